import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A private folder for the sockets of one lab. */
export interface WorkFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** Mode 0700 and a short name: the path of a Unix socket has room for about 100 characters. */
export async function createWorkFolder(): Promise<WorkFolder> {
  const path = await mkdtemp(join(tmpdir(), 'konnsim-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
