import { TunnelError } from '../core/errors.js';
import { readTextSync } from '../pki/read-files.js';

/** A service account's token, read at each call: tokens are renewed. Error texts do not show the content. */
export function tokenMetadata(path: string): () => Record<string, string> {
  return () => {
    const token = readToken(path).replace(/\r?\n$/, '');
    if (!/^[\x20-\x7e]*$/.test(token)) {
      throw new TunnelError('CONFIG_INVALID', `${path}: the token is not one line of printable ASCII`);
    }
    return { authorization: `Bearer ${token}` };
  };
}

function readToken(path: string): string {
  try {
    return readTextSync(path);
  } catch (cause) {
    const text = `failed to read token from "${path}"`;
    throw new TunnelError('FILE_UNREADABLE', text, { where: path, cause });
  }
}
