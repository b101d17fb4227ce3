import { isUtf8 } from 'node:buffer';
import { byteResult, checked, givenStdin, limit, ownsStdin, type ShellStreams } from './adapters.js';
import type { ExecResult, Command as LibraryCommand, ResolvedCommandContext } from './bash-library.js';
import { runPipe } from './pipe-command.js';
import { atEnd, textVariable } from './rewrite.js';

/** The commands that the rewriting inserts into scripts. */
export function ownCommands(streams: ShellStreams): LibraryCommand[] {
  return [
    {
      name: '__konnsim_stdin',
      trusted: true,
      execute: async (_, context) => ({
        stdout: '',
        stderr: '',
        exitCode: await testStdin(context, streams),
      }),
    },
    {
      name: '__konnsim_pipe',
      trusted: true,
      execute: (args, context) => runPipe(args, context, streams),
    },
    {
      name: '__konnsim_hold',
      trusted: true,
      async execute([number], context) {
        streams.hold(Number(number), givenStdin(context, streams));
        return { stdout: '', stderr: '', exitCode: 0 };
      },
    },
    {
      name: '__konnsim_printf',
      trusted: true,
      execute: (args, context) => printf(args, context, streams),
    },
  ];
}

/** 0 when the input is a stream with more bytes, `atEnd` at its end, 1 for all other inputs. */
async function testStdin(context: ResolvedCommandContext, streams: ShellStreams): Promise<number> {
  if (!ownsStdin(context)) return 1;
  const input = givenStdin(context, streams);
  streams.lines = input;
  const chunk = await input.next();
  if (chunk === undefined) return atEnd;
  input.putBack(chunk);
  return 0;
}

/** The next line for `read`, as text: the library would treat each byte as a character. */
export async function readLine(streams: ShellStreams): Promise<string> {
  const line = (await streams.lines.line()) ?? Buffer.alloc(0);
  if (!isUtf8(line)) await limit({ name: 'read', streams }, 'a line that is not UTF-8 text');
  return line.toString().replaceAll('\0', '');
}

/** Characters that replace bytes while the library formats. */
const firstStandIn = 0xf700;

/** The library's `printf`, but `\\377` and `\\xff` are bytes, not characters. */
async function printf(
  args: readonly string[],
  context: ResolvedCommandContext,
  streams: ShellStreams,
): Promise<ExecResult> {
  const { exec, cwd, exportedEnv = {} } = context;
  const [format = '', ...values] = args;
  const hidden = format.includes('%b') ? values.map((value) => hideBytes(value, 4)) : values;
  const words = args.length === 0 ? [] : [hideBytes(format, 3), ...hidden];
  const result = await exec?.('builtin printf', {
    cwd,
    env: exportedEnv,
    args: words,
    signal: streams.signal(),
  });
  if (result === undefined) return { stdout: '', stderr: '', exitCode: 1 };
  const bytes = Buffer.concat([...result.stdout].map(bytesOf));
  const output = byteResult(bytes, Buffer.from(result.stderr), result.exitCode);
  return context.env.get(textVariable) === undefined ? output : checked('printf', streams, output);
}

function hideBytes(text: string, maxDigits: number): string {
  const escape = new RegExp(String.raw`\\\\|\\x[0-9a-fA-F]{1,2}|\\[0-7]{1,${maxDigits}}`, 'g');
  return text.replace(escape, (found) => {
    const digits = found.slice(found.startsWith('\\x') ? 2 : 1);
    const byte = Number.parseInt(digits, found.startsWith('\\x') ? 16 : 8) & 0xff;
    return found === '\\\\' || byte < 0x80 ? found : String.fromCharCode(firstStandIn + byte);
  });
}

function bytesOf(character: string): Buffer {
  const code = character.charCodeAt(0) - firstStandIn;
  return code >= 0x80 && code <= 0xff ? Buffer.of(code) : Buffer.from(character);
}
