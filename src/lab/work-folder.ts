import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { reasonOf } from '../pki/file-reasons.js';
import { isAlive, isOfOurSpace, ownerText, parseOwner } from './folder-owner.js';

export interface WorkFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A Unix socket's path may have 103 bytes on every system; ours needs up to 40 below the temporary folder. */
const maxParentBytes = 63;
const ownName = /^konnsim-[A-Za-z0-9]{6}$/;
const ownerFile = 'owner';

/**
 * Creates a folder with mode 0700 and a short name, after it removed the folders of labs that were killed. Rejects with
 * CONFIG_INVALID when the path of a socket would be too long, and with FILE_UNWRITABLE when it cannot be created.
 */
export async function createWorkFolder(): Promise<WorkFolder> {
  const parent = tmpdir();
  if (Buffer.byteLength(parent) > maxParentBytes) {
    const text = `the path of the folder for temporary files is too long for sockets: ${parent}`;
    throw new TunnelError('CONFIG_INVALID', text, { where: 'TMPDIR', hint: 'Set TMPDIR to a shorter path.' });
  }
  removeLeftOvers(parent);
  // Synchronous: a signal between its creation and this assignment would leave the folder behind.
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

/** A folder without an owner stays: it may belong to a lab that is starting. */
function removeLeftOvers(parent: string): void {
  for (const name of namesIn(parent)) {
    const path = join(parent, name);
    try {
      if (isLeftOver(path)) rmSync(path, { recursive: true, force: true });
    } catch {
      // The folder belongs to another user, or another lab removes it now.
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

/** Links are not followed, also not by the removal. Throws Node's system errors. */
function isLeftOver(path: string): boolean {
  const [folder, file] = [lstatSync(path), lstatSync(join(path, ownerFile))];
  const uid = process.getuid?.();
  if (!folder.isDirectory() || !file.isFile() || folder.uid !== uid || file.uid !== uid) return false;
  const owner = parseOwner(readFileSync(join(path, ownerFile), 'utf8'));
  return owner !== undefined && isOfOurSpace(owner) && !isAlive(owner);
}
