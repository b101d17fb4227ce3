import { isUtf8 } from 'node:buffer';
import { exitCodes, type Process } from '../commands/command.js';
import { maxKeptBytes, SandboxLimit } from '../commands/limit.js';
import { commandTable, findCommand } from '../commands/table.js';
import { BufferSink, writeText } from '../io/byte-sink.js';
import { bytesSource, Input } from '../io/byte-source.js';
import type {
  CommandContext,
  ExecResult,
  Command as LibraryCommand,
  ResolvedCommandContext,
} from './bash-library.js';
import { listTree } from './list-tree.js';
import { quote } from './parse-script.js';
import type { Device } from './process-files.js';
import { directVariable, textVariable } from './rewrite.js';
import { runCommand } from './run-plan.js';
import { readsStdin, stdinReaderNames } from './stdin-readers.js';

/** Given to the interpreter as the shell's standard input; it represents bytes that were not read yet. */
export const stdinMark = '\u0000konnsim standard input\u0000';
/** The same for an input that the commands of a group share. */
export const heldMark = (number: number): string => `${stdinMark}${number}`;

/** What a command inside the interpreter needs from its shell. */
export interface ShellStreams {
  /** The shell's own streams and environment. */
  readonly place: Omit<Process, 'args' | 'env' | 'cwd'>;
  /** Makes a path that only this process sees; `remove` deletes it. */
  lend(device: Device): { readonly path: string; remove(): void };
  /** Aborts when the running line must end. */
  signal(): AbortSignal;
  /** Ends the script, or the line of a terminal, because it would continue with wrong bytes. */
  stop(): void;
  /** The last file that the library read and that is not UTF-8 text. */
  binary: string | undefined;
  /** Inputs that the commands of groups share, by number. */
  readonly held: Map<number, Input>;
  hold(number: number, input: Input): void;
  /** The input of the next `read`. */
  lines: Input;
  /** A command that works on text is running. It must not read other bytes: it could write them back changed. */
  readsText: boolean;
}

/** Bytes as the interpreter carries them: one character each. */
export function byteResult(stdout: Uint8Array, stderr: Uint8Array, exitCode: number): ExecResult {
  return {
    stdout: Buffer.from(stdout).toString('latin1'),
    stdoutKind: 'bytes',
    stdoutEncoding: 'binary',
    stderr: Buffer.from(stderr).toString('utf8'),
    exitCode,
  };
}

/** Reads the standard input that the interpreter passes. A command that ignores its input must not call this. */
function givenInput(context: CommandContext): string {
  return context.stdin as unknown as string;
}

/** Whether the standard input is a stream, for which the interpreter passes only the mark. */
export const ownsStdin = (context: CommandContext): boolean => givenInput(context).startsWith(stdinMark);

/** Commands that replace the library's: ours where they support the arguments, otherwise the library's own. */
export function shellCommandAdapters(streams: ShellStreams): LibraryCommand[] {
  const names = new Set(
    [...commandTable.keys(), ...stdinReaderNames, 'ls'].filter((name) => !shellOwn.has(name)),
  );
  return [...names].map((name) => ({
    name,
    trusted: true,
    execute: (args, context) =>
      findCommand(name, args) === undefined
        ? delegate({ name, args, context, streams })
        : runOurs({ name, args, context, streams }),
  }));
}

/** Builtins of the interpreter, which it does not look up. */
const shellOwn = new Set(['true', 'false', 'echo']);

interface Call {
  readonly name: string;
  readonly args: readonly string[];
  readonly context: ResolvedCommandContext;
  readonly streams: ShellStreams;
}

/** The standard input that a command of the interpreter has. */
export function givenStdin(context: ResolvedCommandContext, { place, held }: ShellStreams): Input {
  const given = givenInput(context);
  if (given === stdinMark) return place.stdin;
  const shared = given.startsWith(stdinMark) ? held.get(Number(given.slice(stdinMark.length))) : undefined;
  return shared ?? new Input(bytesSource(Buffer.from(given, 'latin1')));
}

/** A process in the interpreter's environment, with the shell's own streams. */
export function processOf(
  args: readonly string[],
  context: ResolvedCommandContext,
  streams: ShellStreams,
): Process {
  const { [directVariable]: _, [textVariable]: __, ...env } = context.exportedEnv ?? {};
  // `timeout` ends its command by the context's own signal.
  const signals = [streams.signal(), ...(context.signal === undefined ? [] : [context.signal])];
  return { ...streams.place, args, env, cwd: context.cwd, signal: AbortSignal.any(signals) };
}

/** Reports what the sandbox cannot do, and ends the script. */
export async function stopAtLimit(streams: ShellStreams, text: string): Promise<ExecResult> {
  await writeText(streams.place.stderr, text).catch(() => undefined);
  streams.stop();
  return { stdout: '', stderr: '', exitCode: exitCodes.limit };
}

export function limit({ name, streams }: Pick<Call, 'name' | 'streams'>, what: string): Promise<ExecResult> {
  return stopAtLimit(streams, `${name}: ${new SandboxLimit(what).message}\n`);
}

async function runOurs({ name, args, context, streams }: Call): Promise<ExecResult> {
  const direct = context.env.get(directVariable) !== undefined;
  const [stdout, stderr] = [new BufferSink(maxKeptBytes), new BufferSink(maxKeptBytes)];
  const exitCode = await runCommand(name, {
    ...processOf(args, context, streams),
    stdin: givenStdin(context, streams),
    ...(direct ? {} : { stdout, stderr }),
  });
  if (exitCode === exitCodes.limit) return stopAtLimit(streams, stderr.bytes().toString());
  const result = byteResult(stdout.bytes(), stderr.bytes(), exitCode);
  if (context.env.get(textVariable) !== undefined) return checked(name, streams, result);
  if (!isUtf8(stdout.bytes())) streams.binary = `the output of ${name}`;
  return result;
}

/** The output of a command that the library joins with other text, so it must be text. */
export async function checked(name: string, streams: ShellStreams, result: ExecResult): Promise<ExecResult> {
  if (isUtf8(Buffer.from(result.stdout, 'latin1'))) return result;
  return limit({ name, streams }, 'output that is not UTF-8 text, in a function, a group or $()');
}

/** `env [-i] [-u NAME] [NAME=VALUE] COMMAND`: the library's env does not pass its variables on. */
async function runEnv(call: Call): Promise<ExecResult> {
  const { args, context, streams } = call;
  const env = new Map(Object.entries(context.exportedEnv ?? {}));
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    const set = /^([A-Za-z_]\w*)=(.*)$/s.exec(arg);
    if (set !== null) env.set(set[1] ?? '', set[2] ?? '');
    else if (arg === '-i' || arg === '-') env.clear();
    else if (arg === '-u') env.delete(args[++at] ?? '');
    else break;
  }
  if (args[at]?.startsWith('-') === true) return limit(call, `the option ${args[at]}`);
  const variables = [...env].filter(([name]) => /^[A-Za-z_]\w*$/.test(name) && !name.startsWith('__konnsim'));
  const words = args.slice(at);
  if (words.length === 0)
    return byteResult(
      Buffer.from(variables.map(([name, value]) => `${name}=${value}\n`).join('')),
      Buffer.of(),
      0,
    );
  const script = `${variables.map(([name, value]) => `${name}=${quote(value)}`).join(' ')} ${quote(words[0] ?? '')}`;
  const given = { stdin: givenInput(context), stdinKind: 'bytes' } as const;
  const options = { cwd: context.cwd, env: {}, replaceEnv: true, signal: streams.signal(), ...given };
  return (
    (await context.exec?.(script, { ...options, args: words.slice(1) })) ?? {
      stdout: '',
      stderr: '',
      exitCode: 126,
    }
  );
}

async function delegate(call: Call): Promise<ExecResult> {
  const { name, args, context, streams } = call;
  if (name === 'env') return runEnv(call);
  if (name === 'ls') return (await listTree(args, context)) ?? libraryCommand(call);
  if (!readsStdin(name, args) || !ownsStdin(context) || context.exec === undefined)
    return libraryCommand(call);
  const input = await givenStdin(context, streams).rest();
  const options = { cwd: context.cwd, env: context.exportedEnv ?? {}, signal: streams.signal() };
  if (name === 'sh' || name === 'bash') return context.exec(input.toString('utf8'), options);
  const output = new BufferSink(maxKeptBytes);
  const device = streams.lend({ write: (bytes) => output.write(bytes) });
  const stdin = { stdin: input.toString('latin1'), stdinKind: 'bytes' } as const;
  const result = await context.exec(`${name} >>${device.path}`, { ...options, ...stdin, args: [...args] });
  device.remove();
  return byteResult(output.bytes(), Buffer.from(result.stderr), result.exitCode);
}

/** Commands of the library that leave bytes unchanged; all others work on text. */
const byteSafe = new Set([
  ...['cat', 'cp', 'mv', 'ln', 'rm', 'ls', 'du', 'stat', 'file', 'tar', 'gzip', 'gunzip', 'zcat', 'tee'],
  ...['md5sum', 'sha1sum', 'sha256sum', 'split', 'strings', 'sh', 'bash', 'xargs', 'find', 'timeout', 'time'],
  ...['env', 'printf', 'touch', 'chmod', 'mkdir', 'rmdir', 'readlink', 'basename', 'dirname', 'tree'],
]);
/** They run other commands, and treat their output as text. */
const runners = new Set(['xargs', 'find', 'timeout', 'time', 'env']);
/** They print no line of a file that contains a NUL. */
const lineFinders = new Set(['grep', 'egrep', 'fgrep', 'rg']);

async function libraryCommand(call: Call): Promise<ExecResult> {
  const { name, args, context, streams } = call;
  if (context.origCommand === undefined)
    return { stdout: '', stderr: `${name}: unrecognized arguments\n`, exitCode: 1 };
  const text = !byteSafe.has(name);
  if ((text || name === 'xargs') && readsStdin(name, args) && !isText(name, givenInput(context)))
    return limit(call, 'input that is not UTF-8 text');
  if (name === 'xargs' && !wordsAreSafe(args, givenInput(context)))
    return limit(call, 'quotes, backslashes, and blanks with -I in its input');
  if (name === 'xargs' && givenInput(context).trim() === '' && !/ -(r|I|0|d)/.test(` ${args.join(' ')}`))
    return runOnce(call);
  const watched = text || runners.has(name);
  if (watched) streams.binary = undefined;
  const before = streams.readsText;
  streams.readsText = text;
  const result = await context.origCommand(normalArgs(name, args)).finally(() => {
    streams.readsText = before;
  });
  if (watched && streams.binary !== undefined && result.stdoutKind !== 'bytes')
    return limit(call, `${streams.binary} is not UTF-8 text`);
  return result;
}

/** Without input words xargs still runs its command, once; the library's does not. */
async function runOnce({ args, context, streams }: Call): Promise<ExecResult> {
  const [name = 'echo', ...words] = xargsParts(args).command;
  const options = { cwd: context.cwd, env: context.exportedEnv ?? {}, signal: streams.signal(), args: words };
  return (await context.exec?.(quote(name), options)) ?? { stdout: '', stderr: '', exitCode: 126 };
}

function isText(name: string, bytes: string): boolean {
  return isUtf8(Buffer.from(bytes, 'latin1')) && !(lineFinders.has(name) && bytes.includes('\0'));
}

/** The library's xargs treats quotes as parts of words, and does not read lines with -I. */
function wordsAreSafe(args: readonly string[], input: string): boolean {
  if (args.some((arg) => /^-(0|d|-null|-delimiter)/.test(arg))) return true;
  return !/['"\\\0]/.test(input) && !(args.some((arg) => arg.startsWith('-I')) && /\S[ \t]+\S/.test(input));
}

/** The library's xargs does not support values that are joined to their option. */
function normalArgs(name: string, args: readonly string[]): string[] {
  if (name !== 'xargs') return [...args];
  const { options, command } = xargsParts(args);
  return [...options, ...command];
}

function xargsParts(args: readonly string[]): { readonly options: string[]; readonly command: string[] } {
  const options: string[] = [];
  let at = 0;
  for (; at < args.length && args[at]?.startsWith('-') === true; at++) {
    const arg = args[at] ?? '';
    const valued = /^(-[nIPLsdE])(.*)$/s.exec(arg);
    if (valued === null) options.push(arg);
    else options.push(valued[1] ?? '', valued[2] === '' ? (args[++at] ?? '') : (valued[2] ?? ''));
  }
  return { options, command: args.slice(at) };
}
