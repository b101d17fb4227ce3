import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';

/** A private folder for the sockets of one lab. */
export interface WorkFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A Unix socket's path has room for 103 bytes everywhere; ours takes up to 40 below the folder for temporary files. */
const mostParentBytes = 63;

/** Mode 0700 and a short name. Rejects with CONFIG_INVALID when no socket's path would fit. */
export async function createWorkFolder(): Promise<WorkFolder> {
  if (Buffer.byteLength(tmpdir()) > mostParentBytes) {
    const text = `the path of the folder for temporary files is too long for sockets: ${tmpdir()}`;
    throw new TunnelError('CONFIG_INVALID', text, { where: 'TMPDIR', hint: 'Set TMPDIR to a shorter path.' });
  }
  // At once: a signal between its coming into being and our knowing of it would leave it behind.
  const path = mkdtempSync(join(tmpdir(), 'konnsim-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
