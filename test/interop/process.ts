import { type ChildProcess, spawn } from 'node:child_process';
import { printed } from '../support/children.js';
import { within } from '../support/waits.js';

/** A program that runs until it is stopped, and all that it printed. */
export class Process {
  private readonly name: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  private text = '';

  constructor(command: readonly string[], flags: Readonly<Record<string, string | number>>) {
    const [path = '', ...first] = command;
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    // Go programs in some sandboxes lose signals of the scheduler's preemption; they work as well without them.
    const env = { ...process.env, GODEBUG: 'asyncpreemptoff=1' };
    this.name = path;
    this.child = spawn(path, [...first, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.on('error', (error) => {
      this.text += error.message;
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('error', () => resolve(null));
      this.child.once('close', resolve);
    });
  }

  get output(): string {
    return this.text;
  }

  /** Resolves when the output matches; rejects when the program ends without. */
  async printed(pattern: RegExp): Promise<void> {
    const { name, child, ended } = this;
    await printed({ name, child, ended, output: () => this.text }, pattern);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit code; null after a signal. */
  exit(): Promise<number | null> {
    return within(this.ended, `end of ${this.name}`, { seen: () => this.text });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit();
  }
}
