import type { IFileSystem } from 'just-bash';

/** Bytes and entries of a file system in memory. */
export async function countFiles(files: IFileSystem): Promise<{ usedBytes: number; entries: number }> {
  let usedBytes = 0;
  let entries = 0;
  for (const path of files.getAllPaths()) {
    const found = await files.lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    entries++;
    if (found.isFile) usedBytes += found.size;
  }
  return { usedBytes, entries };
}
