import { anyArgs, type Command } from './command.js';
import { forEachSource, openSink } from './files.js';
import { lineBatches, newline } from './lines.js';
import { type Options, readOptions, usage } from './options.js';

const table = {
  name: 'uniq',
  letters: 'cduif:s:w:z',
  long: {
    count: 'c',
    repeated: 'd',
    unique: 'u',
    'ignore-case': 'i',
    'skip-fields': 'f',
    'skip-chars': 's',
    'check-chars': 'w',
    'zero-terminated': 'z',
  },
};

export const uniq: Command = {
  accepts: anyArgs,
  async run(process) {
    const { given, operands } = readOptions(table, process.args);
    const [input = '-', output, extra] = operands;
    if (extra !== undefined) throw usage(table, `extra operand '${extra}'`);
    const end = given.has('z') ? 0 : newline;
    const keyOf = keyReader(given);
    const file = output === undefined ? undefined : await openSink(process, output, false);
    const sink = file ?? process.stdout;
    const code = await forEachSource(process, 'uniq', [input], async (source) => {
      let group: { readonly line: Buffer; readonly key: Buffer; count: number } | undefined;
      const tell = (): Buffer[] => {
        if (group === undefined) return [];
        if (group.count === 1 ? given.has('d') : given.has('u')) return [];
        const count = given.has('c') ? `${String(group.count).padStart(7)} ` : '';
        return [Buffer.from(count), group.line, Buffer.of(end)];
      };
      for await (const lines of lineBatches(source, end)) {
        const out: Buffer[] = [];
        for (const line of lines) {
          const key = keyOf(line);
          if (group?.key.equals(key) === true) group.count++;
          else {
            out.push(...tell());
            group = { line, key, count: 1 };
          }
        }
        await sink.write(Buffer.concat(out));
        if (process.signal.aborted) return;
      }
      await sink.write(Buffer.concat(tell()));
    });
    await file?.close();
    return code;
  },
};

function keyReader(given: Options['given']): (line: Buffer) => Buffer {
  const number = (letter: string, otherwise: number): number => {
    const text = given.get(letter)?.at(-1);
    if (text === undefined) return otherwise;
    if (!/^\d+$/.test(text)) throw usage(table, `${text}: invalid number`);
    return Number(text);
  };
  const [fields, skipped, most] = [number('f', 0), number('s', 0), number('w', Number.POSITIVE_INFINITY)];
  const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
  return (line) => {
    let at = 0;
    for (let left = fields; left > 0 && at < line.length; left--) {
      while (at < line.length && blank(line[at])) at++;
      while (at < line.length && !blank(line[at])) at++;
    }
    at = Math.min(line.length, at + skipped);
    const key = line.subarray(at, Math.min(line.length, at + most));
    return given.has('i')
      ? Buffer.from(
          key.toString('latin1').replace(/[A-Z]/g, (c) => c.toLowerCase()),
          'latin1',
        )
      : key;
  };
}
