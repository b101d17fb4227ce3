import { setMaxListeners } from 'node:events';
import type { Writable } from 'node:stream';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import { exitCodes, type Machine, type Process } from '../commands/command.js';
import { commandTable, findCommand } from '../commands/table.js';
import { type ByteSink, discardSink, StreamSink, writeText } from '../io/byte-sink.js';
import { emptySource, Input, streamSource } from '../io/byte-source.js';
import { ClientSink } from '../io/client-sink.js';
import { Terminal, terminalOutput } from '../io/terminal.js';
import type { IFileSystem } from './bash-library.js';
import { execError, type LookupFailure, lookupCause } from './exec-error.js';
import { loadShellLibrary, programNames, type ShellLibrary } from './library.js';
import { quote } from './parse-script.js';
import { ProcessFiles } from './process-files.js';
import { runCommand } from './run-plan.js';
import { LineSource, parseShellArguments, preamble, textSource } from './script-sources.js';
import { ShellSession } from './session.js';

/** Where a command runs: a container's files, variables and machine. */
export interface ExecPlace {
  readonly files: () => Promise<IFileSystem>;
  readonly env: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly cwd: string;
  /** Aborts when the container ends. */
  readonly signal: AbortSignal;
}

export interface ExecOptions {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly streams: RemoteCommandStreams;
  /** Kills the command when its client leaves. Default: it continues. */
  readonly endsWithClient?: boolean;
  /** For a shell as the main process: its terminal ends with its input, and its output waits for no reader. */
  readonly isMain?: boolean;
  readonly execId: () => string;
  /** Also gets everything that is written. */
  readonly tee?: ByteSink;
}

interface Stdio {
  readonly stdin: Input | undefined;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly terminal: Terminal | undefined;
  readonly signal: AbortSignal;
  flush(): Promise<void>;
}

const shellNames = new Set(
  ['sh', 'bash', 'ash', 'dash'].flatMap((name) => [name, `/bin/${name}`, `/usr/bin/${name}`]),
);

/**
 * Runs one command in the sandbox; resolves when its output is written. The end of the container kills it with code
 * 137. When its client leaves, the command continues; its input ends, except at a terminal.
 */
export async function execute(place: ExecPlace, options: ExecOptions): Promise<RemoteCommandResult> {
  const stdio = openStdio(place, options);
  try {
    const result = await dispatch(place, options, stdio);
    await stdio.flush();
    return stdio.signal.aborted ? { kind: 'exit', code: exitCodes.killed } : result;
  } catch (error) {
    if (stdio.signal.aborted) return { kind: 'exit', code: exitCodes.killed };
    throw error;
  } finally {
    stdio.terminal?.close();
  }
}

function openStdio(place: ExecPlace, options: ExecOptions): Stdio {
  const { streams, tty, tee, endsWithClient = false, isMain = false } = options;
  const signal = AbortSignal.any([place.signal, ...(endsWithClient ? [streams.signal] : [])]);
  setMaxListeners(0, signal);
  const open = (stream: Writable | undefined): ClientSink | undefined =>
    stream && new ClientSink(new StreamSink(stream, streams.signal), signal, isMain);
  const [out, err] = [open(streams.stdout), open(streams.stderr)];
  const flush = async (): Promise<void> => void (await Promise.all([out?.flush(), err?.flush()]));
  if (!tty) {
    const stdin = streams.stdin === undefined ? undefined : new Input(streamSource(streams.stdin, signal));
    const stdout = both(out ?? discardSink, tee);
    return { stdin, stdout, stderr: both(err ?? discardSink, tee), terminal: undefined, signal, flush };
  }
  const output = terminalOutput(both(out ?? discardSink, tee));
  const terminal = new Terminal({
    input: streams.stdin,
    output,
    resize: streams.resize,
    signal,
    endsWithInput: isMain,
  });
  const stdin = streams.stdin === undefined ? undefined : terminal.input;
  return { stdin, stdout: output, stderr: output, terminal, signal, flush };
}

function both(sink: ByteSink, tee: ByteSink | undefined): ByteSink {
  if (tee === undefined) return sink;
  return { write: async (chunk) => void (await Promise.all([sink.write(chunk), tee.write(chunk)])) };
}

async function dispatch(place: ExecPlace, options: ExecOptions, stdio: Stdio): Promise<RemoteCommandResult> {
  const [name = '', ...args] = options.argv;
  if (shellNames.has(name)) return exit(await runShell(place, stdio, args));
  if (findCommand(name, args) !== undefined) return exit(await runStreaming(place, stdio, options.argv));
  const library = await loadShellLibrary();
  const failure = await lookUp(place, name);
  if (failure !== undefined)
    return { kind: 'error', message: execError(options.execId(), lookupCause(name, failure)) };
  const text = options.argv.map(quote).join(' ');
  return exit(await runText({ place, stdio, library, text }));
}

function exit(code: number): RemoteCommandResult {
  return { kind: 'exit', code };
}

async function runStreaming(place: ExecPlace, stdio: Stdio, argv: readonly string[]): Promise<number> {
  const [name = '', ...args] = argv;
  const interrupt = new AbortController();
  if (stdio.terminal !== undefined) stdio.terminal.onInterrupt = () => interrupt.abort();
  const process: Process = {
    args,
    env: place.env,
    cwd: place.cwd,
    files: new ProcessFiles(place.files, new Map()),
    stdin: stdio.stdin ?? new Input(emptySource),
    stdout: stdio.stdout,
    stderr: stdio.stderr,
    signal: AbortSignal.any([stdio.signal, interrupt.signal]),
    machine: place.machine,
    ...(stdio.terminal === undefined ? {} : { terminal: stdio.terminal }),
  };
  return runCommand(name, process);
}

async function runShell(place: ExecPlace, stdio: Stdio, args: readonly string[]): Promise<number> {
  const library = await loadShellLibrary();
  const wanted = parseShellArguments(args);
  const start = preamble(wanted);
  switch (wanted.mode.kind) {
    case 'text':
      return runText({ place, stdio, library, text: start + wanted.mode.text });
    case 'file': {
      const files = await place.files();
      const path = files.resolvePath(place.cwd, wanted.mode.path);
      if (await files.exists(path)) {
        return runText({ place, stdio, library, text: start + (await files.readFile(path)) });
      }
      await writeText(stdio.stderr, `sh: can't open '${wanted.mode.path}': No such file or directory\n`);
      return 2;
    }
    case 'input':
      return runLines(place, stdio, library, start);
  }
}

interface TextRun {
  readonly place: ExecPlace;
  readonly stdio: Stdio;
  readonly library: ShellLibrary;
  readonly text: string;
}

function runText({ place, stdio, library, text }: TextRun): Promise<number> {
  const session = createSession(place, stdio, library, textSource(library, text, stdio.stderr));
  if (stdio.terminal !== undefined) stdio.terminal.onInterrupt = () => void session.interrupt();
  return session.run();
}

function runLines(place: ExecPlace, stdio: Stdio, library: ShellLibrary, start: string): Promise<number> {
  const { terminal, stdout, stderr } = stdio;
  const input = stdio.stdin ?? new Input(emptySource);
  if (start !== '') input.putBack(Buffer.from(start));
  const source = new LineSource({
    library,
    input,
    stdout,
    stderr,
    ...(terminal === undefined ? {} : { terminal }),
  });
  const session = createSession(place, stdio, library, source);
  if (terminal !== undefined) {
    terminal.onInterrupt = () => {
      if (session.interrupt()) return;
      source.reset();
      terminal.dropLine();
    };
  }
  return session.run();
}

function createSession(
  place: ExecPlace,
  stdio: Stdio,
  library: ShellLibrary,
  source: ConstructorParameters<typeof ShellSession>[1],
): ShellSession {
  const { terminal } = stdio;
  return new ShellSession(
    {
      library,
      files: place.files,
      machine: place.machine,
      env: place.env,
      cwd: place.cwd,
      stdin: stdio.stdin,
      stdout: stdio.stdout,
      stderr: stdio.stderr,
      signal: stdio.signal,
      ...(terminal === undefined ? {} : { terminal }),
      interactive: terminal !== undefined && source instanceof LineSource,
    },
    source,
  );
}

/** Whether a command can be started in any container, whatever files it has. */
export function isAlwaysThere([name = '', ...args]: readonly string[]): boolean {
  return shellNames.has(name) || findCommand(name, args) !== undefined;
}

/** Why a program that is not always there cannot be started; undefined when it can. */
export async function lookUp(
  place: Pick<ExecPlace, 'files' | 'env' | 'cwd'>,
  name: string,
): Promise<LookupFailure | undefined> {
  const isNamed = commandTable.has(name) || programNames(await loadShellLibrary()).has(name);
  if (!name.includes('/') && isNamed) return undefined;
  const files = await place.files();
  const folders = name.includes('/') ? [place.cwd] : (place.env['PATH'] ?? '').split(':');
  let failure: LookupFailure = name.includes('/') ? 'no such file' : 'not on path';
  for (const folder of folders) {
    const path = files.resolvePath(folder, name);
    if (name === '' || !(await files.exists(path))) continue;
    const stat = await files.stat(path);
    if (!stat.isDirectory && (stat.mode & 0o111) !== 0) return undefined;
    if (name.includes('/')) failure = stat.isDirectory ? 'is a directory' : 'not executable';
  }
  return failure;
}
