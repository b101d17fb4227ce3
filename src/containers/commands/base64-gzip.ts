import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { ByteSink } from '../io/byte-sink.js';
import type { ByteSource } from '../io/byte-source.js';
import { anyArgs, type Command } from './command.js';
import { forEachSource } from './files.js';
import { CommandFailure } from './limit.js';
import { type Options, readOptions, usage } from './options.js';

const base64Table = {
  name: 'base64',
  letters: 'diw:',
  long: { decode: 'd', 'ignore-garbage': 'i', wrap: 'w' },
};

export const base64: Command = {
  accepts: anyArgs,
  async run(process) {
    const { given, operands } = readOptions(base64Table, process.args);
    if (operands.length > 1) throw usage(base64Table, `extra operand '${operands[1]}'`);
    const wrap = given.get('w')?.at(-1) ?? '76';
    if (!/^\d+$/.test(wrap)) throw new CommandFailure(`invalid wrap size: '${wrap}'`);
    return forEachSource(process, 'base64', operands, (source) =>
      given.has('d')
        ? decode(source, process.stdout, given.has('i'))
        : encode(source, process.stdout, Number(wrap)),
    );
  },
};

async function encode(source: ByteSource, sink: ByteSink, width: number): Promise<void> {
  let left: Uint8Array = new Uint8Array(0);
  let column = 0;
  const write = async (text: string): Promise<void> => {
    if (width === 0) return sink.write(Buffer.from(text));
    const lines: string[] = [];
    for (let at = 0; at < text.length; ) {
      const part = text.slice(at, at + width - column);
      at += part.length;
      column = (column + part.length) % width;
      lines.push(part, column === 0 ? '\n' : '');
    }
    await sink.write(Buffer.from(lines.join('')));
  };
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    const bytes = Buffer.concat([left, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    await write(bytes.toString('base64', 0, whole));
    left = bytes.subarray(whole);
  }
  await write(Buffer.from(left).toString('base64'));
  if (column > 0) await sink.write(Buffer.from('\n'));
}

async function decode(source: ByteSource, sink: ByteSink, ignoresGarbage: boolean): Promise<void> {
  let left = '';
  const garbage = ignoresGarbage ? /[^A-Za-z0-9+/=]/g : /\n/g;
  const good = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)*/;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    const text = left + Buffer.from(chunk).toString('latin1').replace(garbage, '');
    const whole = text.slice(0, text.length - (text.length % 4));
    const right = good.exec(whole)?.[0] ?? '';
    await sink.write(decodeGroups(right));
    if (right.length < whole.length) return failDecoding(whole.slice(right.length, right.length + 4), sink);
    left = text.slice(whole.length);
  }
  if (left === '') return;
  return failDecoding(left, sink);
}

/** The bytes before the broken place are still written. */
async function failDecoding(group: string, sink: ByteSink): Promise<never> {
  await sink.write(Buffer.from(group.replace(/[^A-Za-z0-9+/].*$/s, ''), 'base64'));
  throw new CommandFailure('invalid input');
}

/** Padding may be in the middle, where encoded texts were joined. */
function decodeGroups(text: string): Buffer {
  return Buffer.concat(text.split(/(?<==)(?!=)/).map((part) => Buffer.from(part, 'base64')));
}

const gzipLetters = {
  name: 'gzip',
  letters: 'cdkfnqtv123456789',
  long: {
    stdout: 'c',
    'to-stdout': 'c',
    decompress: 'd',
    uncompress: 'd',
    keep: 'k',
    force: 'f',
    'no-name': 'n',
    quiet: 'q',
    fast: '1',
    best: '9',
  },
};

function gzipOptions(args: readonly string[]): Options | undefined {
  try {
    const options = readOptions(gzipLetters, args);
    return options.given.has('t') || options.given.has('v') ? undefined : options;
  } catch {
    return undefined;
  }
}

/** gzip between streams. The shell library's gzip replaces files. */
function gzipCommand(name: string, unpacks: boolean, toStdout: boolean): Command {
  return {
    accepts(args) {
      const options = gzipOptions(args);
      if (options === undefined) return false;
      return toStdout || options.given.has('c') || options.operands.every((operand) => operand === '-');
    },
    async run(process) {
      const { given, operands } = readOptions(gzipLetters, process.args);
      const level = [...given.keys()].findLast((letter) => /\d/.test(letter));
      return forEachSource(process, name === 'zcat' ? 'gzip' : name, operands, (source, operand) =>
        unpacks || given.has('d')
          ? gunzipTo(source, process.stdout, operand === '-' ? 'stdin' : operand)
          : gzipTo(source, process.stdout, Number(level ?? 6)),
      );
    },
  };
}

export const gzip = gzipCommand('gzip', false, false);
export const gunzip = gzipCommand('gunzip', true, false);
export const zcat = gzipCommand('zcat', true, true);

export async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) yield chunk;
}

export async function gzipTo(source: ByteSource, sink: ByteSink, level: number): Promise<void> {
  await pipeline(chunksOf(source), createGzip({ level }), writer(sink));
}

/** Rejects with gzip's own texts; `what` is the name in them. */
export async function gunzipTo(source: ByteSource, sink: ByteSink, what: string): Promise<void> {
  try {
    await pipeline(chunksOf(source), createGunzip(), writer(sink));
  } catch (error) {
    const reason = zlibReasons[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    const header = /header/.test((error as Error).message);
    throw new CommandFailure(`${what}: ${header ? 'not in gzip format' : reason}`);
  }
}

const zlibReasons: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'unexpected end of file',
  Z_DATA_ERROR: 'invalid compressed data--format violated',
};

function writer(sink: ByteSink): (out: AsyncIterable<Uint8Array>) => Promise<void> {
  return async (out) => {
    for await (const chunk of out) await sink.write(chunk);
  };
}
