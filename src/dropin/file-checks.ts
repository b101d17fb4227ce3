import { statSync } from 'node:fs';

/** Go's error when the file does not exist. Undefined when it exists, permissions hide it, or `path` is empty. */
export function missingFile(path: string): string | undefined {
  if (path === '') return undefined;
  try {
    statSync(path);
    return undefined;
  } catch (caught) {
    const missing = caught instanceof Error && 'code' in caught && caught.code === 'ENOENT';
    return missing ? `stat ${path}: no such file or directory` : undefined;
  }
}

/** Says what is wrong with a path, or undefined. */
export type FileCheck = (path: string) => string | undefined;

export interface NamedFile {
  /** Its name, such as `server key`. */
  readonly what: string;
  readonly path: string;
}

export function fileFault({ what, path }: NamedFile, check: FileCheck): string | undefined {
  const missing = check(path);
  return missing === undefined ? undefined : `error checking ${what} ${path}, got ${missing}`;
}

/** The fault of a key and its certificate: each needs the other, and both files must exist. */
export function pairFault(key: NamedFile, cert: NamedFile, check: FileCheck): string | undefined {
  return halfFault(key, cert, check) ?? halfFault(cert, key, check);
}

function halfFault(half: NamedFile, other: NamedFile, check: FileCheck): string | undefined {
  if (half.path === '') return undefined;
  const lonely =
    other.path === ''
      ? `cannot have ${other.what} empty when ${half.what} is set to "${half.path}"`
      : undefined;
  return fileFault(half, check) ?? lonely;
}
