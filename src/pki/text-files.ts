import { randomUUID } from 'node:crypto';
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { reasonOf, systemCode } from './file-reasons.js';
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

/**
 * Writes all files under temporary names, and renames them when every byte is on disk. So a reader never sees half a
 * file, and a full disk leaves the old set. Rejects with FILE_UNWRITABLE.
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
    throw new TunnelError('FILE_UNWRITABLE', `${directory}: ${reasonOf(cause)}`, {
      where: directory,
      cause,
    });
  }
}
