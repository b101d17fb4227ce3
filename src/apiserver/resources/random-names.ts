import type { Random } from '../../core/random.js';

/** Letters of generated names: without vowels, so that they do not form words. */
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxPrefixLength = 63 - suffixLength;

export function randomUid(random: Random): string {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => random.below(16).toString(16)).join('');
  const variant = (8 + random.below(4)).toString(16);
  return `${digits(8)}-${digits(4)}-4${digits(3)}-${variant}${digits(3)}-${digits(12)}`;
}

/** `web-` becomes `web-x7k2b`. */
export function generateName(prefix: string, random: Random): string {
  const suffix = Array.from(
    { length: suffixLength },
    () => suffixLetters[random.below(suffixLetters.length)],
  );
  return prefix.slice(0, maxPrefixLength) + suffix.join('');
}
