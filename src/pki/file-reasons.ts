/** The code of a system error: `ENOENT`. */
export function systemCode(caught: unknown): string | undefined {
  return caught instanceof Error && 'code' in caught && typeof caught.code === 'string'
    ? caught.code
    : undefined;
}

/** Why a file cannot be used, in words. */
export function reasonOf(caught: unknown): string {
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
    case 'ENXIO':
      return 'not a regular file but a Unix socket, or a device that is not there';
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
