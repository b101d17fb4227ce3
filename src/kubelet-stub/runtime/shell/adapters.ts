import type {
  CommandContext,
  ExecResult,
  Command as LibraryCommand,
  ResolvedCommandContext,
} from 'just-bash';
import type { Process } from '../commands/command.js';
import { commandTable, findCommand } from '../commands/table.js';
import { BufferSink } from '../io/byte-sink.js';
import { bytesSource, Input } from '../io/byte-source.js';
import type { Device } from './process-files.js';
import { directVariable } from './rewrite.js';
import { runCommand } from './run-plan.js';
import { readsStdin, stdinReaderNames } from './stdin-readers.js';
import { tarArguments } from './tar-arguments.js';

/** What the interpreter is given as the shell's standard input: it stands for bytes that were not read yet. */
export const stdinMark = '\u0000konnsim standard input\u0000';

/** What a command inside the interpreter needs of its shell. */
export interface ShellStreams {
  /** The shell's own streams and surroundings. */
  readonly place: Omit<Process, 'args' | 'env' | 'cwd'>;
  /** Makes a path of the process alone; `remove` forgets it. */
  lend(device: Device): { readonly path: string; remove(): void };
  /** Aborts when the running line is to end. */
  signal(): AbortSignal;
}

/** Bytes as the interpreter carries them: one character each. */
function byteResult(stdout: Uint8Array, stderr: Uint8Array, exitCode: number): ExecResult {
  return {
    stdout: Buffer.from(stdout).toString('latin1'),
    stdoutKind: 'bytes',
    stdoutEncoding: 'binary',
    stderr: Buffer.from(stderr).toString('utf8'),
    exitCode,
  };
}

/** Reads the interpreter's view of standard input; a command that does not look at it must not call this. */
function givenInput(context: CommandContext): string {
  return context.stdin as unknown as string;
}

export const ownsStdin = (context: CommandContext): boolean => givenInput(context) === stdinMark;

/** The commands that replace the library's own: ours where they understand the arguments, else the library's. */
export function shellCommandAdapters(streams: ShellStreams): LibraryCommand[] {
  const names = new Set([...commandTable.keys(), ...stdinReaderNames].filter((name) => !shellOwn.has(name)));
  return [...names].map((name) => ({
    name,
    trusted: true,
    execute: (args, context) =>
      findCommand(name, args) === undefined
        ? delegate({ name, args, context, streams })
        : runOurs({ name, args, context, streams }),
  }));
}

/** Builtins of the interpreter, which it would not look up anyway. */
const shellOwn = new Set(['true', 'false', 'echo']);

/** The interpreter keeps a pipe's content as one string, which it limits to as much. */
const maxCollectedBytes = 64 * 1024 * 1024;

interface Call {
  readonly name: string;
  readonly args: readonly string[];
  readonly context: ResolvedCommandContext;
  readonly streams: ShellStreams;
}

async function runOurs({ name, args, context, streams }: Call): Promise<ExecResult> {
  const { place } = streams;
  const direct = context.env.get(directVariable) !== undefined;
  const stdout = new BufferSink(maxCollectedBytes);
  const stderr = new BufferSink(maxCollectedBytes);
  const given = givenInput(context);
  const { [directVariable]: _, ...env } = context.exportedEnv ?? {};
  const exitCode = await runCommand(name, {
    ...place,
    args,
    env,
    cwd: context.cwd,
    stdin: given === stdinMark ? place.stdin : new Input(bytesSource(Buffer.from(given, 'latin1'))),
    stdout: direct ? place.stdout : stdout,
    stderr: direct ? place.stderr : stderr,
    // `timeout` ends its command by the context's own signal.
    signal: AbortSignal.any([streams.signal(), ...(context.signal === undefined ? [] : [context.signal])]),
  });
  return byteResult(stdout.bytes(), stderr.bytes(), exitCode);
}

async function delegate(call: Call): Promise<ExecResult> {
  const { name, args, context, streams } = call;
  if (!readsStdin(name, args) || !ownsStdin(context) || context.exec === undefined)
    return libraryCommand(call);
  const input = await streams.place.stdin.rest();
  if (name === 'tar' && args.includes('-')) return unpackFrom(input, call);
  const options = { cwd: context.cwd, env: context.exportedEnv ?? {}, signal: streams.signal() };
  if (name === 'sh' || name === 'bash') return context.exec(input.toString('utf8'), options);
  const output = new BufferSink(maxCollectedBytes);
  const device = streams.lend({ write: (bytes) => output.write(bytes) });
  const stdin = { stdin: input.toString('latin1'), stdinKind: 'bytes' } as const;
  const result = await context.exec(`${name} >>${device.path}`, { ...options, ...stdin, args: [...args] });
  device.remove();
  return byteResult(output.bytes(), Buffer.from(result.stderr), result.exitCode);
}

/** The library's tar takes an archive from a file a hundred times faster than from its standard input. */
async function unpackFrom(input: Uint8Array, call: Call): Promise<ExecResult> {
  const device = call.streams.lend({ read: async () => input });
  const result = await libraryCommand({
    ...call,
    args: call.args.map((arg) => (arg === '-' ? device.path : arg)),
  });
  device.remove();
  return result;
}

async function libraryCommand({ name, args, context }: Call): Promise<ExecResult> {
  if (context.origCommand === undefined) {
    return { stdout: '', stderr: `${name}: unrecognized arguments\n`, exitCode: 1 };
  }
  if (name !== 'tar') return context.origCommand([...args]);
  const tar = tarArguments(args);
  const result = await context.origCommand([...tar.args]);
  return { ...result, stderr: tar.notice + result.stderr };
}
