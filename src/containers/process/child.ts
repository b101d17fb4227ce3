import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '../../streams/types.js';
import { openPipes } from './pipes.js';

/** How a program is started. It leads its own session and process group. */
export interface ChildOptions {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: boolean;
}

/** A process of the host that a container owns. */
export interface Child {
  /** Also the id of its session and of its process group. */
  readonly pid: number;
  /** Absent when the program was started without it; every stream has an `error` listener. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly isTerminal: boolean;
  /** Absent on a terminal. */
  readonly stderr: Readable | undefined;
  /** Exit code once it has ended; 128 + n when signal n ended it. Never rejects. */
  readonly exited: Promise<number>;
  /** Does nothing without a terminal. */
  resize(size: TerminalSize): void;
}

/** Starts a program on pipes. Rejects with the operating system's error when it cannot be started. */
export async function startOnPipes(options: ChildOptions): Promise<Child> {
  const { file, argv, cwd, env } = options;
  const [argv0 = file, ...args] = argv;
  const { stdin, stdout, stderr } = await openPipes();
  const stdio = [options.stdin ? stdin.childFd : ('ignore' as const), stdout.childFd, stderr.childFd];
  if (!options.stdin) stdin.end.destroy();
  try {
    const child = spawn(file, args, { argv0, cwd, env, detached: true, stdio });
    const exited = new Promise<number>((resolve) => {
      child.once('exit', (code, signal) => {
        stdin.end.destroy();
        resolve(exitCode(code, signal));
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.once('spawn', resolve);
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${file} has no process`);
    const outputs = { stdout: stdout.end, stderr: stderr.end };
    return {
      pid,
      stdin: options.stdin ? stdin.end : undefined,
      ...outputs,
      isTerminal: false,
      exited,
      resize: () => undefined,
    };
  } catch (error) {
    for (const pipe of [stdin, stdout, stderr]) pipe.end.destroy();
    throw error;
  } finally {
    for (const pipe of [stdin, stdout, stderr]) closeSync(pipe.childFd);
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}
