import { type ByteSink, writeText } from '../io/byte-sink.js';
import { type ByteSource } from '../io/byte-source.js';
import { parseSize } from './cat-tee-yes.js';
import { anyArgs, type Command } from './command.js';
import { forEachSource } from './files.js';
import { CommandFailure, SandboxLimit } from './limit.js';
import { type Options, readOptions } from './options.js';

const table = {
  name: 'od',
  letters: 'A:j:N:t:vw:abcdosx',
  long: {
    'address-radix': 'A',
    'skip-bytes': 'j',
    'read-bytes': 'N',
    format: 't',
    'output-duplicates': 'v',
    width: 'w',
  },
};

interface Format {
  readonly sizeBytes: number;
  readonly width: number;
  readonly show: (block: Buffer, at: number) => string;
  /** Adds the bytes as text after each line. */
  readonly text: boolean;
}

const shortForms: Readonly<Record<string, string>> = {
  a: 'a',
  b: 'o1',
  c: 'c',
  d: 'u2',
  o: 'o2',
  s: 'd2',
  x: 'x2',
};
const radixes = { o: 8, u: 10, d: 10, x: 16 } as const;

/** `od` with one format: characters, or whole numbers of 1, 2 or 4 bytes, little-endian. */
export const od: Command = {
  accepts: anyArgs,
  async run(process) {
    const { given, operands } = readOptions(table, process.args);
    const format = formatOf(given);
    const number = (letter: string, otherwise: number): number => {
      const text = given.get(letter)?.at(-1);
      const value = text === undefined ? otherwise : parseSize(text);
      if (value === undefined) throw new CommandFailure(`invalid -${letter} argument '${text}'`);
      return value;
    };
    const lineBytes = number('w', 16);
    if (lineBytes === 0 || lineBytes % format.sizeBytes !== 0) throw new SandboxLimit(`-w${lineBytes}`);
    const dump = new Dump({
      sink: process.stdout,
      format,
      lineBytes,
      address: addressOf(given),
      all: given.has('v'),
    });
    const [skipBytes, maxBytes] = [number('j', 0), number('N', Number.POSITIVE_INFINITY)];
    dump.offset = skipBytes;
    let [skip, left] = [skipBytes, maxBytes];
    const code = await forEachSource(process, 'od', operands, async (source: ByteSource) => {
      for (let chunk = await source.next(); chunk !== undefined && left > 0; chunk = await source.next()) {
        const from = Math.min(skip, chunk.length);
        skip -= from;
        const part = chunk.subarray(from, Math.min(chunk.length, from + left));
        left -= part.length;
        await dump.add(part);
        if (left === 0 || process.signal.aborted) break;
      }
    });
    if (skip > 0) throw new CommandFailure('cannot skip past end of combined input');
    await dump.end();
    return code;
  },
};

interface DumpOptions {
  readonly sink: ByteSink;
  readonly format: Format;
  readonly lineBytes: number;
  readonly address: (offset: number) => string;
  /** Shows repeated lines too. */
  readonly all: boolean;
}

class Dump {
  offset = 0;
  private readonly options: DumpOptions;
  private left: Buffer = Buffer.alloc(0);
  private before: Buffer | undefined;
  private starred = false;

  constructor(options: DumpOptions) {
    this.options = options;
  }

  async add(chunk: Uint8Array): Promise<void> {
    const bytes = Buffer.concat([this.left, chunk]);
    const lines: string[] = [];
    let at = 0;
    for (; at + this.options.lineBytes <= bytes.length; at += this.options.lineBytes)
      lines.push(this.line(bytes.subarray(at, at + this.options.lineBytes)));
    this.left = bytes.subarray(at);
    await writeText(this.options.sink, lines.join(''));
  }

  async end(): Promise<void> {
    if (this.left.length > 0) await writeText(this.options.sink, this.line(this.left));
    const address = this.options.address(this.offset);
    await writeText(this.options.sink, address === '' ? '' : `${address}\n`);
  }

  private line(block: Buffer): string {
    const { format, lineBytes, address, all } = this.options;
    const alike = !all && block.length === lineBytes && this.before?.equals(block) === true;
    this.before = block;
    const start = this.offset;
    this.offset += block.length;
    if (alike) {
      const text = this.starred ? '' : '*\n';
      this.starred = true;
      return text;
    }
    this.starred = false;
    const units: string[] = [];
    for (let at = 0; at < block.length; at += format.sizeBytes) {
      const unit = Buffer.alloc(format.sizeBytes);
      block.copy(unit, 0, at, at + format.sizeBytes);
      units.push(format.show(unit, 0).padStart(format.width));
    }
    const numbers = units.join('');
    if (!format.text) return `${address(start)}${numbers}\n`;
    const text = block.toString('latin1').replace(/[^ -~]/g, '.');
    return `${address(start)}${numbers.padEnd((lineBytes / format.sizeBytes) * format.width)}  >${text}<\n`;
  }
}

function addressOf(given: Options['given']): (offset: number) => string {
  const letter = given.get('A')?.at(-1) ?? 'o';
  if (letter === 'n') return () => '';
  if (!['o', 'd', 'x'].includes(letter))
    throw new CommandFailure(
      `invalid output address radix '${letter}'; it must be one character from [doxn]`,
    );
  const radix = radixes[letter as 'o' | 'd' | 'x'];
  return (offset) => offset.toString(radix).padStart(letter === 'x' ? 6 : 7, '0');
}

function formatOf(given: Options['given']): Format {
  const short = [...given.keys()]
    .filter((letter) => letter in shortForms)
    .map((letter) => shortForms[letter] ?? '');
  const formats = [...(given.get('t') ?? []), ...short];
  const [text = 'o2', ...more] = formats;
  const match = /^(?:(c)|([doux])([1248CSIL]?))(z?)$/.exec(text);
  if (more.length > 0 || match === null) throw new SandboxLimit(`the format ${formats.join(' ')}`);
  const [, character, type, size = '', z] = match;
  if (character !== undefined)
    return { sizeBytes: 1, width: 4, text: z === 'z', show: (block, at) => characterOf(block[at] ?? 0) };
  const sizeBytes = { C: 1, S: 2, I: 4, L: 8, '': 4 }[size] ?? Number(size);
  if (sizeBytes === 8) throw new SandboxLimit(`the format ${text}`);
  return numbers(type as 'o' | 'd' | 'u' | 'x', sizeBytes, z === 'z');
}

/** The width of the largest number of that many bytes. */
const digits: Readonly<Record<'o' | 'd' | 'u' | 'x', Readonly<Record<number, number>>>> = {
  o: { 1: 3, 2: 6, 4: 11 },
  d: { 1: 4, 2: 6, 4: 11 },
  u: { 1: 3, 2: 5, 4: 10 },
  x: { 1: 2, 2: 4, 4: 8 },
};

function numbers(type: 'o' | 'd' | 'u' | 'x', sizeBytes: number, text: boolean): Format {
  const most = digits[type][sizeBytes] ?? 0;
  const show = (block: Buffer, at: number): string => {
    if (type === 'd') return String(block.readIntLE(at, sizeBytes));
    const value = block.readUIntLE(at, sizeBytes).toString(radixes[type]);
    return type === 'u' ? value : value.padStart(most, '0');
  };
  return { sizeBytes, width: most + 1, show, text };
}

const named = ['\\0', '', '', '', '', '', '', '\\a', '\\b', '\\t', '\\n', '\\v', '\\f', '\\r'];

function characterOf(byte: number): string {
  const name = named[byte] ?? '';
  if (name !== '') return name;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0');
}
