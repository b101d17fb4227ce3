import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endsWithTest, printed } from './children.js';
import { runMs, within } from './waits.js';

/** Path of the program, as `npm install` would link it. */
export const konnsimProgram = fileURLToPath(new URL('../../bin/konnsim', import.meta.url));

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or 128 + signal. */
  readonly code: number | null;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Other tests use it too: a hook of the file ends it. */
  readonly shared?: boolean;
  /** Path of another program of `bin`. */
  readonly program?: string;
}

/** A running `konnsim`, as its user starts it: from `bin`, in a process of its own. */
export class Konnsim {
  readonly child: ChildProcess;
  readonly name: string;
  private stdout = '';
  private stderr = '';
  readonly ended: Promise<CommandResult>;

  constructor(args: readonly string[], options: CommandOptions) {
    const program = options.program ?? konnsimProgram;
    this.child = spawn(process.execPath, [program, ...args], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    if (options.shared !== true) endsWithTest(this.child);
    this.name = [basename(program), ...args].join(' ');
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('latin1');
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdin?.end(options.stdin ?? '');
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve(this.result(code)));
    });
  }

  /** Resolves with the match once stdout and stderr together hold it; rejects when the process ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return printed(this, pattern);
  }

  readonly output = (): string => Buffer.from(this.stdout, 'latin1').toString() + this.stderr;

  finished(): Promise<CommandResult> {
    return within(this.ended, `end of ${this.name}`, { withinMs: runMs, seen: this.output });
  }

  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<CommandResult> {
    this.child.kill(signal);
    return within(this.ended, `end of ${this.name} after ${signal}`, { seen: this.output });
  }

  private result(code: number | null): CommandResult {
    return { stdout: Buffer.from(this.stdout, 'latin1').toString(), stderr: this.stderr, code };
  }
}

/** Runs a command to its end. */
export function konnsim(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Konnsim(args, options).finished();
}

/** A folder of its own for one test. */
export async function scratchFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'konnsim-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
