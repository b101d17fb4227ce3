import { constants, lstat, mkdir, mkdtemp, open, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { TunnelError } from '../../core/errors.js';
import type { Pod } from '../../kube/pod-objects.js';
import { reasonOf } from '../../pki/file-reasons.js';
import { makeFolder } from '../../pki/make-folder.js';

const ownerOnly = 0o700;

/** Makes the folder for all containers of one runtime; other users cannot look inside. */
export async function createRoot(parent: string | undefined): Promise<string> {
  const folder = resolve(parent ?? tmpdir());
  try {
    // Only a folder that the caller names is made: a missing TMPDIR is an error of the user.
    if (parent !== undefined) makeFolder(folder);
    return await mkdtemp(join(folder, 'containers-'));
  } catch (cause) {
    const ours = { hint: 'Set TMPDIR to a folder that exists and that you may write to.', where: 'TMPDIR' };
    const text = `no folder for containers in ${folder}: ${reasonOf(cause)}`;
    throw new TunnelError('FILE_UNWRITABLE', text, { cause, ...(parent === undefined ? ours : {}) });
  }
}

export function podFolder(root: string, { metadata }: Pod): string {
  // Names may have 253 characters, and those of folders 255.
  const name = `${metadata.namespace}_${metadata.name}`.slice(0, 150);
  return join(root, `${name}_${metadata.uid}`.replace(/[^\w.-]/g, '_'));
}

export async function createContainerFolder(path: string): Promise<void> {
  await removeFolder(path);
  await mkdir(path, { recursive: true, mode: ownerOnly });
}

/** The working directory of a container's processes: its own folder is used as the root of its image. */
export async function workingFolder(folder: string, workingDir: string | undefined): Promise<string> {
  // Made absolute before it is joined, so that `..` cannot leave the folder.
  const path = join(folder, resolve('/', workingDir ?? '/'));
  await mkdir(path, { recursive: true, mode: ownerOnly });
  return path;
}

/**
 * The last bytes of a file of a container, whose folder is the root of its image. The host's file of the same path is
 * never opened, also not through a link. Rejects when there is no such file.
 */
export async function readEnd(folder: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const real = await realpath(join(folder, resolve('/', path)));
  if (!real.startsWith(`${await realpath(folder)}${sep}`)) throw new Error(`${path} leaves the container`);
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error(`${path} is not a file`);
    const sizeBytes = Math.min(info.size, maxBytes);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(sizeBytes),
      0,
      sizeBytes,
      info.size - sizeBytes,
    );
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

export interface FolderSize {
  readonly usedBytes: number;
  readonly entries: number;
}

/** The size of a folder on disk. Links are not followed, and files that are removed during the count are ignored. */
export async function folderSize(path: string): Promise<FolderSize> {
  let usedBytes = 0;
  let entries = 0;
  const names = await readdir(path, { recursive: true }).catch(() => []);
  for (const name of names) {
    const found = await lstat(join(path, name)).catch(() => undefined);
    if (found === undefined) continue;
    entries++;
    if (found.isFile()) usedBytes += found.size;
  }
  return { usedBytes, entries };
}
