import { TunnelError } from '../core/errors.js';

/**
 * The value of `authorization` for a token. Line ends behind it do not count: files have them. Throws CONFIG_INVALID,
 * without a word of the token, when it cannot stand in a header.
 */
export function bearer(token: string, where: string): string {
  const trimmed = token.trim();
  if (trimmed === '' || !/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new TunnelError('CONFIG_INVALID', `${where}: the token is not one word of printable ASCII`);
  }
  return `Bearer ${trimmed}`;
}
