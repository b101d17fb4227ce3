import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that runs until it is stopped, and all that it printed. */
export class Process {
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  private text = '';

  constructor(command: readonly string[], flags: Readonly<Record<string, string | number>>) {
    const [path = '', ...first] = command;
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    // Go programs in some sandboxes lose signals of the scheduler's preemption; they work as well without them.
    const env = { ...process.env, GODEBUG: 'asyncpreemptoff=1' };
    this.child = spawn(path, [...first, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.on('error', (error) => {
      this.text += error.message;
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
        this.child.emit('output');
      });
    }
    this.ended = once(this.child, 'close').then(
      ([code]) => code as number | null,
      () => null,
    );
  }

  get output(): string {
    return this.text;
  }

  /** Resolves when the output matches; rejects when the program ends without. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      const more = once(this.child, 'output').then(() => true);
      if (!(await Promise.race([more, this.ended.then(() => false)]))) {
        throw new Error(`ended without ${String(pattern)}:\n${this.text}`);
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit code; null after a signal. */
  exit(): Promise<number | null> {
    return this.ended;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
