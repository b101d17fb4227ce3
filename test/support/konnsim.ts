import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  /** Path of another program of `bin`. */
  readonly program?: string;
}

/** A running `konnsim`, as its user starts it: from `bin`, in a process of its own. */
export class Konnsim {
  readonly child: ChildProcess;
  private stdout = '';
  private stderr = '';
  private readonly ended: Promise<CommandResult>;

  constructor(args: readonly string[], options: CommandOptions) {
    this.child = spawn(process.execPath, [options.program ?? konnsimProgram, ...args], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('latin1');
      this.child.emit('output');
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.child.emit('output');
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdin?.end(options.stdin ?? '');
    this.ended = once(this.child, 'close').then(([code]) => this.result(code as number | null));
  }

  /** Resolves with the match once stdout and stderr together hold it; rejects when the process ends without it. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(Buffer.from(this.stdout, 'latin1').toString() + this.stderr);
      if (match !== null) return match;
      const more = await Promise.race([
        once(this.child, 'output').then(() => true),
        this.ended.then(() => false),
      ]);
      if (!more) throw new Error(`ended without ${String(pattern)}:\n${this.stdout}\n${this.stderr}`);
    }
  }

  finished(): Promise<CommandResult> {
    return this.ended;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<CommandResult> {
    this.child.kill(signal);
    return this.ended;
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
