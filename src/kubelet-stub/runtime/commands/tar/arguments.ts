/** A tar that streams between its standard streams and the files. */
export type TarJob =
  | { readonly kind: 'create'; readonly folder: string; readonly operands: readonly string[] }
  | { readonly kind: 'extract'; readonly folder: string; readonly keepTimes: boolean };

/** Of no meaning here: all files belong to root, and modes are kept. */
const ignored = new Set(['--no-same-owner', '--no-same-permissions', '-p', '--preserve-permissions']);

/** Understands an archive on the standard streams, as `kubectl cp` asks for it; undefined for all else. */
export function tarJob(args: readonly string[]): TarJob | undefined {
  const [first = '', ...rest] = args.filter((arg) => !ignored.has(arg));
  const letters = first.replace(/^-/, '');
  if (!/^[cxmpof]+$/.test(letters) || !letters.endsWith('f') || rest[0] !== '-') return undefined;
  const creates = letters.includes('c');
  if (creates === letters.includes('x')) return undefined;
  let folder = '.';
  const operands: string[] = [];
  for (let at = 1; at < rest.length; at++) {
    const arg = rest[at] ?? '';
    const next = rest[at + 1];
    if (arg === '-C' && next !== undefined && operands.length === 0) {
      folder = next;
      at++;
    } else if (arg.startsWith('-') || arg === '') return undefined;
    else operands.push(arg);
  }
  if (creates) return operands.length === 0 ? undefined : { kind: 'create', folder, operands };
  return operands.length > 0 ? undefined : { kind: 'extract', folder, keepTimes: !letters.includes('m') };
}
