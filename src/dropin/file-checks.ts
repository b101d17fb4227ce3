import { statSync } from 'node:fs';

/** Go's words when there is no such file; undefined when it is there, named by nobody, or hidden by permissions. */
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

/** A flag that names a file, as validation texts speak of it. */
export interface NamedFile {
  /** Such as `server key`. */
  readonly what: string;
  readonly path: string;
}

export function fileFault({ what, path }: NamedFile): string | undefined {
  const missing = missingFile(path);
  return missing === undefined ? undefined : `error checking ${what} ${path}, got ${missing}`;
}

/** A key needs its certificate, a certificate its key, and both must be there. */
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
