import { randomUUID } from 'node:crypto';
import { access, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { makeFolder } from './make-folder.js';

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** True unless the path is certainly absent. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (caught: unknown) => !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(caught) ?? ''),
  );
}

/** Reads a file; FILE_UNREADABLE says which and why. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TunnelError('FILE_UNREADABLE', `${path}: ${fileProblem(cause)}`, { where: path, cause });
  }
}

/**
 * Writes all files beside their places first and moves them there only when every byte is on disk, so that a reader
 * never sees half a file and a full disk leaves the old set. Rejects with FILE_UNWRITABLE.
 */
export async function writeFilesAtomically(directory: string, files: readonly TextFile[]): Promise<void> {
  const suffix = `.${randomUUID()}.tmp`;
  try {
    makeFolder(resolve(directory));
    for (const { path, text, mode } of files)
      await writeFile(path + suffix, text, { mode, flag: 'wx', flush: true });
    for (const { path } of files) await rename(path + suffix, path);
  } catch (cause) {
    await Promise.allSettled(files.map(({ path }) => rm(path + suffix, { force: true })));
    throw new TunnelError('FILE_UNWRITABLE', `${directory}: ${fileProblem(cause)}`, {
      where: directory,
      cause,
    });
  }
}

function systemCode(caught: unknown): string | undefined {
  return caught instanceof Error && 'code' in caught && typeof caught.code === 'string'
    ? caught.code
    : undefined;
}

/** What is wrong with a file or folder, in words. */
export function fileProblem(caught: unknown): string {
  switch (systemCode(caught)) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'is a folder';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a file is where a folder should be';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    case 'EDQUOT':
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return caught instanceof Error ? caught.message : String(caught);
  }
}
