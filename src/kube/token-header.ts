import { TunnelError } from '../core/errors.js';

/**
 * The value of `authorization` for a token. Line ends after the token are ignored, because files have them. Throws
 * CONFIG_INVALID when the token cannot be part of a header; the error does not contain the token.
 */
export function bearer(token: string, where: string): string {
  const trimmed = token.trim();
  if (trimmed === '' || !/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new TunnelError('CONFIG_INVALID', `${where}: the token is not one word of printable ASCII`);
  }
  return `Bearer ${trimmed}`;
}
