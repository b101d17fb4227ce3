import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { reasonOf } from '../pki/file-reasons.js';
import { isAlive, isOfOurSpace, ownerText, parseOwner } from './folder-owner.js';

/** A private folder for the sockets of one lab. */
export interface WorkFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A Unix socket's path has room for 103 bytes everywhere; ours takes up to 40 below the folder for temporary files. */
const maxParentBytes = 63;
const ownName = /^konnsim-[A-Za-z0-9]{6}$/;
const ownerFile = 'owner';

/**
 * Mode 0700 and a short name. Removes those of labs that were killed first. Rejects with CONFIG_INVALID when no socket's
 * path would fit, and with FILE_UNWRITABLE when it cannot be made.
 */
export async function createWorkFolder(): Promise<WorkFolder> {
  const parent = tmpdir();
  if (Buffer.byteLength(parent) > maxParentBytes) {
    const text = `the path of the folder for temporary files is too long for sockets: ${parent}`;
    throw new TunnelError('CONFIG_INVALID', text, { where: 'TMPDIR', hint: 'Set TMPDIR to a shorter path.' });
  }
  removeLeftOvers(parent);
  // At once: a signal between its coming into being and our knowing of it would leave it behind.
  const path = makeIn(parent);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

function makeIn(parent: string): string {
  let path: string | undefined;
  try {
    path = mkdtempSync(join(parent, 'konnsim-'));
    writeFileSync(join(path, ownerFile), ownerText(), { mode: 0o600, flag: 'wx' });
    return path;
  } catch (cause) {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
    const text = `no folder for temporary files in ${parent}: ${reasonOf(cause)}`;
    const hint = 'Set TMPDIR to a folder that exists and where you may write.';
    throw new TunnelError('FILE_UNWRITABLE', text, { where: 'TMPDIR', hint, cause });
  }
}

/** A folder that names no owner may be of a lab that is just starting; it stays. */
function removeLeftOvers(parent: string): void {
  for (const name of namesIn(parent)) {
    const path = join(parent, name);
    try {
      if (isLeftOver(path)) rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else's, or another lab removes it right now.
    }
  }
}

function namesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent).filter((name) => ownName.test(name));
  } catch {
    return [];
  }
}

/** Links are not followed, neither here nor by the removal. Throws Node's system errors. */
function isLeftOver(path: string): boolean {
  const [folder, file] = [lstatSync(path), lstatSync(join(path, ownerFile))];
  const uid = process.getuid?.();
  if (!folder.isDirectory() || !file.isFile() || folder.uid !== uid || file.uid !== uid) return false;
  const owner = parseOwner(readFileSync(join(path, ownerFile), 'utf8'));
  return owner !== undefined && isOfOurSpace(owner) && !isAlive(owner);
}
