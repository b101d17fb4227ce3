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

export interface NamedFile {
  /** Its name, such as `server key`. */
  readonly what: string;
  readonly path: string;
}

export function fileFault({ what, path }: NamedFile): string | undefined {
  const missing = missingFile(path);
  return missing === undefined ? undefined : `error checking ${what} ${path}, got ${missing}`;
}

/** The fault of a key and its certificate: each needs the other, and both files must exist. */
export function pairFault(key: NamedFile, cert: NamedFile): string | undefined {
  return halfFault(key, cert) ?? halfFault(cert, key);
}

function halfFault(half: NamedFile, other: NamedFile): string | undefined {
  if (half.path === '') return undefined;
  const lonely =
    other.path === ''
      ? `cannot have ${other.what} empty when ${half.what} is set to "${half.path}"`
      : undefined;
  return fileFault(half) ?? lonely;
}
