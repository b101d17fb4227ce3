import { exitCodes, type Machine } from '../commands/command.js';
import { type ByteSink, writeText } from '../io/byte-sink.js';
import { emptySource, Input } from '../io/byte-source.js';
import type { Terminal } from '../io/terminal.js';
import { heldMark, type ShellStreams, shellCommandAdapters, stdinMark } from './adapters.js';
import type {
  Bash,
  BashExecResult,
  IFileSystem,
  Command as LibraryCommand,
  StatementNode,
} from './bash-library.js';
import { createShellDevices, heldPath, shellCommands, shellDevices, withoutOwnTraces } from './devices.js';
import type { ShellLibrary } from './library.js';
import { ownCommands, readLine } from './own-commands.js';
import { type PlannedStep, planScript } from './plan-script.js';
import { ProcessFiles } from './process-files.js';
import { Rewriter } from './rewrite.js';
import { runPlan } from './run-plan.js';

export interface ShellOptions {
  readonly library: ShellLibrary;
  readonly files: () => Promise<IFileSystem>;
  readonly machine: Machine;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin: Input | undefined;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly signal: AbortSignal;
  readonly terminal?: Terminal;
  /** Continues after an interrupt and after errors that end a script. */
  readonly interactive: boolean;
}

/** Gives a shell its next statements; `undefined` ends it with the last status. */
export interface ScriptSource {
  next(place: ShellPlace): Promise<readonly StatementNode[] | undefined>;
}

/** The state of a shell between two statements. */
export interface ShellPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The exit status of the last statement. */
  status: number;
}

interface Snapshot {
  readonly cwd: string;
  /** Names of the options that are set, joined by colons. */
  readonly shellOptions: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly exported: Readonly<Record<string, string>>;
}

/** Variables that the interpreter sets itself. */
const ownVariables = new Set(['?', '_', 'SHELLOPTS', 'BASHOPTS', 'PWD', 'IFS', 'OPTIND', 'LINES', 'COLUMNS']);
/** Options that only the interpreter supports. */
const interpretedOptions = /errexit|pipefail|xtrace|verbose|noclobber|noexec/;

/**
 * One shell. It takes statements from its source one after the other and keeps variables, functions, aliases and the
 * working directory between them. Scripts that can be planned run as a plan. All others run in the library's
 * interpreter, which gets its statements while it runs: to the interpreter it is one script without an end.
 */
export class ShellSession {
  private readonly options: ShellOptions;
  private readonly source: ScriptSource;
  private readonly rewriter: Rewriter;
  private readonly files: ProcessFiles;
  private readonly interpreterFiles: ProcessFiles;
  private readonly streams: ShellStreams;
  private readonly functions = new Map<string, StatementNode>();
  private snapshot: Snapshot;
  private queue: readonly StatementNode[] = [];
  private status = 0;
  private restore = false;
  private finished = false;
  private exiting = false;
  private redirected = false;
  private lentDevices = 0;
  /** Aborts the running statement; absent while the shell waits for its next line. */
  private running: AbortController | undefined;

  constructor(options: ShellOptions, source: ScriptSource) {
    this.options = options;
    this.source = source;
    this.rewriter = new Rewriter(options.library);
    this.snapshot = { cwd: options.cwd, shellOptions: '', variables: {}, exported: options.env };
    const devices = createShellDevices({
      stdin: options.stdin,
      stdout: options.stdout,
      stderr: options.stderr,
      onExit: () => {
        this.exiting = true;
      },
      onBroken: () => this.end(exitCodes.brokenPipe),
    });
    this.files = new ProcessFiles(options.files, devices);
    const binary = (path: string): void => {
      this.streams.binary = path;
      if (this.streams.readsText) throw new Error(`${path} is not UTF-8 text`);
    };
    this.interpreterFiles = new ProcessFiles(options.files, devices, binary);
    devices.set(shellDevices.line, { readText: () => readLine(this.streams) });
    this.streams = {
      binary: undefined,
      held: new Map(),
      lines: options.stdin ?? new Input(emptySource),
      hold: (number, input) => {
        this.streams.held.set(number, input);
        devices.set(heldPath(number), { read: async () => Buffer.from(heldMark(number), 'latin1') });
      },
      readsText: false,
      stop: () => this.stopAtLimit(),
      place: { ...this.processPlace(), signal: options.signal },
      signal: () => this.running?.signal ?? options.signal,
      lend: (device) => {
        const path = `${shellDevices.lent}/${++this.lentDevices}`;
        devices.set(path, device);
        return { path, remove: () => void devices.delete(path) };
      },
    };
  }

  /** Runs to the end of the source, `exit`, or the abort of the signal. Resolves with the exit code. */
  async run(): Promise<number> {
    while (!this.finished && !this.options.signal.aborted) {
      const attempt = new AbortController();
      const stop = (): void => attempt.abort();
      this.options.signal.addEventListener('abort', stop, { once: true });
      try {
        await this.interpret(attempt);
      } finally {
        this.options.signal.removeEventListener('abort', stop);
      }
    }
    return this.options.signal.aborted ? exitCodes.killed : this.status;
  }

  /** Handles ^C. False when nothing is running: then the typed line is to be dropped. */
  interrupt(): boolean {
    if (this.running === undefined) return false;
    this.running.abort();
    return true;
  }

  /** A limit of the sandbox ends a script; a terminal continues with its next line. */
  private stopAtLimit(): void {
    if (this.options.interactive) this.running?.abort();
    else this.end(exitCodes.limit);
  }

  private async interpret(attempt: AbortController): Promise<void> {
    const bash = this.createInterpreter(attempt);
    const result = await bash.exec(shellCommands.next, {
      env: { ...this.snapshot.variables },
      signal: attempt.signal,
      ...(this.options.stdin === undefined ? {} : { stdin: stdinMark, stdinKind: 'bytes' as const }),
    });
    this.running = undefined;
    const aborted = attempt.signal.aborted;
    if (!aborted) await this.flush(result);
    this.settle(result, aborted);
  }

  /** Writes what the interpreter returns at its end: texts of errors that ended it, outputs after `exec >`. */
  private async flush(result: BashExecResult): Promise<void> {
    await writeText(this.options.stdout, result.stdout).catch(() => undefined);
    await this.options.stderr.write(withoutOwnTraces(Buffer.from(result.stderr))).catch(() => undefined);
  }

  /** Decides whether the end of the interpreter is the end of the shell. */
  private settle(result: BashExecResult, aborted: boolean): void {
    if (this.finished) return;
    this.status = aborted ? exitCodes.interrupted : result.exitCode;
    const errexit = (result.env['SHELLOPTS'] ?? '').includes('errexit');
    if (!this.options.interactive || (!aborted && (this.exiting || errexit))) this.finished = true;
    else this.restore = true;
  }

  private createInterpreter(attempt: AbortController): Bash {
    const bash = new this.options.library.Bash({
      fs: this.interpreterFiles,
      cwd: this.snapshot.cwd,
      env: { ...this.snapshot.exported },
      commands: this.options.library.getCommandNames(),
      // It would change globals of the whole process, which other code uses too.
      defenseInDepth: false,
      processInfo: { pid: 1, ppid: 0, uid: 0, gid: 0 },
      executionLimits: unlimited,
      customCommands: [...shellCommandAdapters(this.streams), ...this.ownCommands(attempt)],
      sleep: (ms) => this.options.machine.sleep(ms, this.streams.signal()),
    });
    let outermost = true;
    bash.registerTransformPlugin({
      name: 'konnsim',
      transform: ({ ast, metadata }) => {
        if (outermost) {
          outermost = false;
          return { ast: { ...ast, statements: this.endless(ast.statements) }, metadata };
        }
        this.rewriter.prepare(ast.statements);
        return { ast, metadata };
      },
    });
    return bash;
  }

  /** The interpreter only iterates over the statements of a script, so they can be added while it runs. */
  private endless(next: readonly StatementNode[]): StatementNode[] {
    return { [Symbol.iterator]: () => this.statements(next) } as unknown as StatementNode[];
  }

  private *statements(next: readonly StatementNode[]): Generator<StatementNode> {
    for (;;) {
      yield* next;
      if (this.finished) return;
      yield* this.queue;
    }
  }

  private ownCommands(attempt: AbortController): LibraryCommand[] {
    return [
      {
        name: '__konnsim_next',
        trusted: true,
        execute: async (_, context) => {
          this.running = undefined;
          if (!this.restore) this.status = Number(context.env.get('?') ?? this.status);
          this.takeSnapshot(context.cwd, context.env, context.exportedEnv ?? {});
          await this.advance(attempt).catch(() => this.end(exitCodes.brokenPipe));
          this.setSize(context.env);
          return { stdout: '', stderr: '', exitCode: this.status };
        },
      },
      ...ownCommands(this.streams),
    ];
  }

  /** Fills the queue with the next statements for the interpreter; plans are run on the way. */
  private async advance(attempt: AbortController): Promise<void> {
    const place: ShellPlace = { cwd: this.snapshot.cwd, env: this.snapshot.exported, status: this.status };
    for (;;) {
      this.exiting = false;
      const statements = await this.source.next(place);
      this.status = place.status;
      if (statements === undefined || this.options.signal.aborted) return this.end(this.status);
      const steps = this.plan(statements);
      if (steps === undefined) {
        this.running = attempt;
        this.queue = this.enqueue([...statements]);
        return;
      }
      this.running = new AbortController();
      const signal = AbortSignal.any([this.options.signal, this.running.signal]);
      const result = await runPlan(
        steps,
        { ...this.processPlace(), cwd: place.cwd, env: place.env, signal },
        this.status,
      );
      this.running = undefined;
      this.status = place.status = result.status;
      if (result.exited || (result.limited === true && !this.options.interactive))
        return this.end(result.status);
    }
  }

  /** Ends the shell, whatever is running. */
  private end(status: number): void {
    this.finished = true;
    this.status = status;
    this.queue = [];
    this.running?.abort();
  }

  private plan(statements: readonly StatementNode[]): readonly PlannedStep[] | undefined {
    if (interpretedOptions.test(this.snapshot.shellOptions)) return undefined;
    return planScript(statements, (name) => this.functions.has(name));
  }

  private enqueue(statements: StatementNode[]): StatementNode[] {
    const known = this.restore ? [...this.functions.values()] : [];
    this.restore = false;
    this.rewriter.prepare(statements, this.snapshot.shellOptions.includes('xtrace'));
    for (const statement of statements) this.remember(statement);
    this.redirected ||= this.rewriter.redirectsShell(statements);
    return [...known, ...(this.redirected ? statements : this.rewriter.stream(statements))];
  }

  private remember(statement: StatementNode): void {
    const command = statement.pipelines[0]?.commands[0];
    if (command?.type === 'FunctionDef') this.functions.set(command.name, statement);
  }

  private takeSnapshot(
    cwd: string,
    env: ReadonlyMap<string, string>,
    exported: Readonly<Record<string, string>>,
  ): void {
    const variables = Object.fromEntries([...env].filter(([name]) => !ownVariables.has(name)));
    this.snapshot = { cwd, shellOptions: env.get('SHELLOPTS') ?? '', variables, exported };
  }

  private setSize(env: Map<string, string>): void {
    const size = this.options.terminal?.size;
    if (size === undefined) return;
    env.set('COLUMNS', String(size.width));
    env.set('LINES', String(size.height));
  }

  private processPlace(): ShellStreams['place'] {
    const { stdin, stdout, stderr, machine, terminal, signal } = this.options;
    const input = stdin ?? new Input(emptySource);
    return {
      files: this.files,
      stdin: input,
      stdout,
      stderr,
      machine,
      signal,
      ...(terminal ? { terminal } : {}),
    };
  }
}

/** Only the depth of calls stays limited: loops give turns to the rest of the program and end with their client. */
const unlimited = {
  maxExecutionTimeMs: Number.POSITIVE_INFINITY,
  maxCommandCount: Number.POSITIVE_INFINITY,
  maxLoopIterations: Number.POSITIVE_INFINITY,
  maxWorkUnits: Number.POSITIVE_INFINITY,
  maxInputBytes: 2 ** 40,
  // Paths have at most 4096 bytes, so no folder is deeper.
  maxTraversalDepth: 4096,
};
