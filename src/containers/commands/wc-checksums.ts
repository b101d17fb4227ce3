import { createHash } from 'node:crypto';
import { writeText } from '../io/byte-sink.js';
import { anyArgs, type Command, noOptions, type Process } from './command.js';
import { copy, forEachSource } from './files.js';
import { countOf } from './head-tail.js';
import { newline } from './lines.js';
import { readOptions } from './options.js';

function digestCommand(algorithm: string, name: string): Command {
  return {
    accepts: noOptions,
    run: (process) =>
      forEachSource(process, name, process.args, async (source, operand) => {
        const hash = createHash(algorithm);
        await copy(source, { write: async (chunk) => void hash.update(chunk) }, process.signal);
        await writeText(process.stdout, `${hash.digest('hex')}  ${operand}\n`);
      }),
  };
}

export const md5sum = digestCommand('md5', 'md5sum');
export const sha1sum = digestCommand('sha1', 'sha1sum');
export const sha256sum = digestCommand('sha256', 'sha256sum');
export const sha512sum = digestCommand('sha512', 'sha512sum');

/** Lines, words, characters and bytes, in the order in which `wc` prints them. */
interface Counts {
  l: number;
  w: number;
  m: number;
  c: number;
}
const letters = ['l', 'w', 'm', 'c'] as const;

/** `wc` in the C locale: a character is a byte. */
export const wc: Command = {
  accepts: anyArgs,
  async run(process) {
    const long = { bytes: 'c', chars: 'm', lines: 'l', words: 'w' };
    const { given, operands } = readOptions({ name: 'wc', letters: 'clmw', long }, process.args);
    const wanted = letters.filter((letter) => (given.size === 0 ? letter !== 'm' : given.has(letter)));
    const width = await numberWidth(process, operands, wanted.length);
    const line = (counts: Counts, name: string): string => {
      const numbers = wanted.map((letter) => String(counts[letter]).padStart(width));
      return `${[...numbers, ...(name === '' ? [] : [name])].join(' ')}\n`;
    };
    const total: Counts = { l: 0, w: 0, m: 0, c: 0 };
    const code = await forEachSource(process, 'wc', operands, async (source, operand) => {
      const counts: Counts = { l: 0, w: 0, m: 0, c: 0 };
      const counter = new Counter(counts, wanted.includes('w'));
      await copy(source, { write: async (chunk) => counter.add(chunk) }, process.signal);
      for (const letter of letters) total[letter] += counts[letter];
      await writeText(process.stdout, line(counts, operands.length === 0 ? '' : operand));
    });
    if (operands.length > 1) await writeText(process.stdout, line(total, 'total'));
    return code;
  },
};

class Counter {
  private readonly counts: Counts;
  private readonly words: boolean;
  private inWord = false;

  constructor(counts: Counts, words: boolean) {
    this.counts = counts;
    this.words = words;
  }

  add(chunk: Uint8Array): void {
    this.counts.c += chunk.length;
    this.counts.m += chunk.length;
    this.counts.l += countOf(chunk, newline);
    if (!this.words) return;
    for (const byte of chunk) {
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) this.inWord = false;
      else if (!this.inWord && byte > 0x20 && byte < 0x7f) {
        this.inWord = true;
        this.counts.w++;
      }
    }
  }
}

/** GNU wc makes its columns as wide as the total size of all files, or 7 wide when one of them is not a file. */
async function numberWidth(process: Process, operands: readonly string[], columns: number): Promise<number> {
  if (operands.length <= 1 && columns === 1) return 1;
  let sizeBytes = 0;
  let least = operands.length === 0 ? 7 : 1;
  for (const operand of operands) {
    const path = process.files.resolvePath(process.cwd, operand);
    const stat = operand === '-' ? undefined : await process.files.stat(path).catch(() => 'none' as const);
    if (stat === 'none') continue;
    if (stat === undefined || !stat.isFile || path.startsWith('/dev/')) least = 7;
    else sizeBytes += stat.size;
  }
  return Math.max(least, String(sizeBytes).length);
}
