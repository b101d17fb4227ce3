import { type TarHeader, typeFlags } from './header.js';

const kinds: Readonly<Record<string, string>> = {
  [typeFlags.hardLink]: 'h',
  [typeFlags.symlink]: 'l',
  3: 'c',
  4: 'b',
  [typeFlags.folder]: 'd',
  6: 'p',
};

/** A member as `tar -tv` shows it. All files belong to root; times are in UTC. */
export function listLine({ type, mode, sizeBytes, mtimeMs, name, linkName }: TarHeader): string {
  const rights = [6, 3, 0]
    .map((shift) => (mode >> shift) & 7)
    .map((bits) => `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`)
    .join('');
  const time = new Date(Number.isNaN(new Date(mtimeMs).getTime()) ? 0 : mtimeMs).toISOString();
  const size = String('123456'.includes(type) ? 0 : sizeBytes).padStart(10);
  const link =
    type === typeFlags.symlink
      ? ` -> ${linkName}`
      : type === typeFlags.hardLink
        ? ` link to ${linkName}`
        : '';
  return `${kinds[type] ?? '-'}${rights} root/root${size} ${time.slice(0, 10)} ${time.slice(11, 16)} ${name}${link}\n`;
}
