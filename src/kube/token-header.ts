import { TunnelError } from '../core/errors.js';

/** Ignores line ends after the token: files have them. CONFIG_INVALID for a bad token does not contain it. */
export function bearer(token: string, where: string): string {
  const trimmed = token.trim();
  if (trimmed === '' || !/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new TunnelError('CONFIG_INVALID', `${where}: the token is not one word of printable ASCII`);
  }
  return `Bearer ${trimmed}`;
}
