import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';

/**
 * Runs a command on a real pseudo-terminal of 24 lines by 80 columns. Reads commands as lines of JSON, writes what the
 * terminal shows to stdout, and says at the end on stderr whether the terminal's settings are as before.
 */
const program = `
import fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios
master, slave = pty.openpty()
size = lambda rows, columns: fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(24, 80)
before = termios.tcgetattr(slave)
def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
def give_up(*_):
    child.kill()
    os._exit(143)
signal.signal(signal.SIGTERM, give_up)
pending = b''
sources = [0, master]
while True:
    ready = select.select(sources, [], [], 0.02)[0]
    if master in ready:
        os.write(1, os.read(master, 65536))
        continue
    if 0 in ready:
        chunk = os.read(0, 65536)
        if not chunk:
            sources = [master]
        *lines, pending = (pending + chunk).split(b'\\n')
        for line in lines:
            what = json.loads(line)
            if 'type' in what:
                os.write(master, what['type'].encode())
            if 'resize' in what:
                size(*what['resize'])
    if child.poll() is not None and not ready:
        break
sys.stderr.write('restored' if termios.tcgetattr(slave) == before else 'not restored')
sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)
`;

import { endChild, endsWithTest, printed } from './children.js';
import { within } from './waits.js';

export interface PtyEnd {
  readonly code: number | null;
  /** The terminal's settings are those from before. */
  readonly restored: boolean;
  readonly screen: string;
}

/** Why no pseudo-terminal can be had here, or undefined. */
export function missingPty(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import pty, termios'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no python3 with its pty module';
  }
}

/** A command on a terminal of its own. */
export class Pty {
  private readonly name: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<PtyEnd>;
  private screen = '';
  private report = '';

  constructor(
    command: readonly string[],
    options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
  ) {
    this.child = endsWithTest(
      spawn('python3', ['-c', program, ...command], {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
      }),
    );
    this.name = `the terminal of ${command.join(' ')}`;
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.screen += chunk.toString();
    });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.report += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) =>
        resolve({ code, restored: this.report === 'restored', screen: this.screen }),
      );
    });
  }

  /** Types keys, as they are. */
  type(keys: string): void {
    this.child.stdin.write(`${JSON.stringify({ type: keys })}\n`);
  }

  /** Types a command into a shell and waits for its answer and the prompt after it: only then the next may be typed. */
  async answer(command: string, pattern: RegExp): Promise<RegExpExecArray> {
    const mark = this.mark();
    this.type(`${command}\r`);
    const match = await this.waitFor(pattern, mark);
    await this.waitFor(/[$#] $/, mark + match.index + match[0].length);
    return match;
  }

  resize(rows: number, columns: number): void {
    this.child.stdin.write(`${JSON.stringify({ resize: [rows, columns] })}\n`);
  }

  /** Resolves once the screen, from `since` on, holds the pattern; rejects when the command ends without it. */
  waitFor(pattern: RegExp, since = 0): Promise<RegExpExecArray> {
    const { name, child, ended } = this;
    return printed({ name, child, ended, output: () => this.screen.slice(since) }, pattern);
  }

  /** The screen's length now, for `waitFor`. */
  mark(): number {
    return this.screen.length;
  }

  finished(): Promise<PtyEnd> {
    return within(this.ended, `end of ${this.name}`, { seen: () => this.screen + this.report });
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    this.child.stdin.end();
    await endChild(this.child);
    await this.finished();
  }
}
