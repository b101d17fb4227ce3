import { BufferSink, type ByteSink, discardSink, writeText } from '../io/byte-sink.js';
import { copyUpTo, parseSize } from './cat-tee-yes.js';
import { anyArgs, type Command, type Process } from './command.js';
import { forEachSource, openSink } from './files.js';
import { CommandFailure, maxKeptBytes, SandboxLimit } from './limit.js';

interface Wish {
  readonly input: string;
  readonly output: string | undefined;
  readonly blockBytes: number;
  readonly skipBytes: number;
  readonly seekBytes: number;
  readonly limitBytes: number;
  readonly quiet: boolean;
  /** Keeps the rest of the output file after the written part. */
  readonly keeps: boolean;
}

const names = ['if', 'of', 'bs', 'ibs', 'obs', 'count', 'skip', 'seek', 'status', 'conv', 'iflag', 'oflag'];

function parseWish(args: readonly string[]): Wish {
  const given = new Map<string, string>();
  for (const arg of args) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/s.exec(arg) ?? [];
    if (!names.includes(name))
      throw new CommandFailure(`unrecognized operand '${arg}'\nTry 'dd --help' for more information.`);
    given.set(name, value);
  }
  const number = (name: string, otherwise: string): number => {
    const value = parseSize(given.get(name) ?? otherwise);
    if (value === undefined) throw new CommandFailure(`invalid number: '${given.get(name)}'`);
    return value;
  };
  const conversions = (given.get('conv') ?? '').split(',').filter((word) => word !== '' && word !== 'fsync');
  const flags = `${given.get('iflag') ?? ''},${given.get('oflag') ?? ''}`.split(',');
  const unknown = [
    ...conversions.filter((word) => word !== 'notrunc' && word !== 'fdatasync'),
    ...flags.filter((word) => word !== '' && word !== 'fullblock' && word !== 'sync'),
  ];
  if (unknown.length > 0) throw new SandboxLimit(`the conversion or flag ${unknown.join(',')}`);
  const blockBytes = number(given.has('bs') ? 'bs' : 'ibs', '512');
  if (blockBytes === 0) throw new CommandFailure("invalid number: '0'");
  const seekBlock = given.has('bs') ? blockBytes : number('obs', '512');
  return {
    input: given.get('if') ?? '-',
    output: given.get('of'),
    blockBytes,
    skipBytes: number('skip', '0') * blockBytes,
    seekBytes: number('seek', '0') * seekBlock,
    limitBytes: given.has('count') ? number('count', '0') * blockBytes : Number.POSITIVE_INFINITY,
    quiet: given.get('status') === 'none',
    keeps: conversions.includes('notrunc'),
  };
}

/** `dd`. Short reads are joined, as with `iflag=fullblock`. */
export const dd: Command = {
  accepts: anyArgs,
  async run(process) {
    const wish = parseWish(process.args);
    return forEachSource(process, 'dd', [wish.input], async (source) => {
      await copyUpTo({ process, source, sink: discardSink, limitBytes: wish.skipBytes });
      const output = await openOutput(process, wish);
      const copied = await copyUpTo({ process, source, sink: output.sink, limitBytes: wish.limitBytes });
      await output.close();
      const whole = Math.floor(copied / wish.blockBytes);
      const records = `${whole}+${copied % wish.blockBytes === 0 ? 0 : 1} records`;
      if (!wish.quiet)
        await writeText(process.stderr, `${records} in\n${records} out\n${copied} bytes copied\n`);
    });
  },
};

interface Output {
  readonly sink: ByteSink;
  close(): Promise<void>;
}

async function openOutput(process: Process, { output, seekBytes, keeps }: Wish): Promise<Output> {
  if (output === undefined && seekBytes > 0) throw new SandboxLimit('seek of standard output');
  if (output === undefined) return { sink: process.stdout, close: async () => undefined };
  if (seekBytes === 0 && !keeps) {
    const file = await openSink(process, output, false).catch((error: Error) => {
      throw new CommandFailure(`failed to open '${output}': ${error.message}`);
    });
    return { sink: file, close: () => file.close() };
  }
  if (seekBytes > maxKeptBytes) throw new SandboxLimit(`seek of more than ${maxKeptBytes} bytes`);
  const path = process.files.resolvePath(process.cwd, output);
  const old = (await process.files.exists(path))
    ? await process.files.readFileBuffer(path)
    : new Uint8Array(0);
  const written = new BufferSink(maxKeptBytes);
  return {
    sink: written,
    async close() {
      const bytes = written.bytes();
      const end = seekBytes + bytes.length;
      const content = Buffer.alloc(keeps ? Math.max(end, old.length) : end);
      content.set(old.subarray(0, content.length));
      content.set(bytes, seekBytes);
      await process.files.writeFile(path, content);
    },
  };
}
