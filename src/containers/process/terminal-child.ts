import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { IPty } from '@lydell/node-pty';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { TerminalSize } from '../../streams/types.js';
import type { Child, ChildOptions } from './child.js';

/** The library of pseudo-terminals. */
export type TerminalLibrary = Pick<typeof import('@lydell/node-pty'), 'spawn'>;

/** Loads the library, which is an optional dependency. Rejects with CONFIG_INVALID when it is not installed. */
export async function loadTerminalLibrary(
  load: () => Promise<TerminalLibrary> = () => import('@lydell/node-pty'),
): Promise<TerminalLibrary> {
  try {
    return await load();
  } catch (cause) {
    const text = 'a terminal needs the package @lydell/node-pty, which is not installed';
    const hint = 'Install it with `npm install @lydell/node-pty`, or leave out the terminal (-t, tty).';
    throw new TunnelError('CONFIG_INVALID', text, { hint, cause });
  }
}

/** The library's terminal uses this socket, and only the socket supports back pressure. */
type OpenTerminal = IPty & { readonly _socket: Socket; readonly fd: number };

/** An ended process may have left others that hold its terminal: they are cut off after this long without output. */
const quietMs = 100;
const chunkBytes = 65_536;
/** More than a terminal holds: beyond this, another process is still writing. */
const maxRestBytes = 1024 * 1024;

/**
 * Output of a terminal. Reading pauses while there is no reader, and output from before the end is never lost. Two
 * things would lose it: the library destroys its socket 200 ms after the end of the process, read or not; and the
 * socket treats a hang-up as the end although more than one read is left. So before the socket is destroyed, the rest
 * is read from the file descriptor itself.
 */
class TerminalOutput extends Readable {
  private readonly socket: Socket;
  private readonly fd: number;
  private readonly clock: Clock;
  private readonly destroySocket: (error?: Error) => Socket;
  private draining = false;
  private waited = false;
  private restBytes = 0;

  constructor({ _socket: socket, fd }: OpenTerminal, clock: Clock) {
    super();
    this.socket = socket;
    this.fd = fd;
    this.clock = clock;
    this.destroySocket = socket.destroy.bind(socket);
    this.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) socket.pause();
    });
    socket.once('close', () => this.push(null));
    socket.destroy = (error?: Error) => this.drain(error);
  }

  override _read(): void {
    if (!this.draining) this.socket.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.resume();
    done(error);
  }

  /** The process has ended, so no more is to come than a terminal holds. That much may be kept. */
  private drain(error: Error | undefined): Socket {
    if (this.draining) return this.socket;
    this.draining = true;
    this.socket.pause();
    const buffered: unknown = this.socket.readableLength > 0 ? this.socket.read() : null;
    if (buffered instanceof Buffer) this.push(buffered);
    this.drainDescriptor(error);
    return this.socket;
  }

  private drainDescriptor(error: Error | undefined): void {
    const { end, receivedBytes } = this.readRest();
    this.restBytes += receivedBytes;
    const isQuiet = this.waited && receivedBytes === 0;
    const isOver = end === 'closed' || isQuiet || this.restBytes >= maxRestBytes;
    if (isOver) {
      this.destroySocket(error);
      return;
    }
    this.waited = true;
    this.clock.after(quietMs, () => this.drainDescriptor(error));
  }

  /** `empty`: another process still holds the terminal, and may write more. */
  private readRest(): { readonly end: 'closed' | 'empty'; readonly receivedBytes: number } {
    let receivedBytes = 0;
    while (receivedBytes < maxRestBytes) {
      try {
        const chunk = Buffer.allocUnsafe(chunkBytes);
        const sizeBytes = readSync(this.fd, chunk);
        if (sizeBytes === 0) return { end: 'closed', receivedBytes };
        receivedBytes += sizeBytes;
        if (!this.destroyed) this.push(chunk.subarray(0, sizeBytes));
      } catch (caught) {
        const code = (caught as NodeJS.ErrnoException).code;
        return { end: code === 'EAGAIN' ? 'empty' : 'closed', receivedBytes };
      }
    }
    return { end: 'empty', receivedBytes };
  }
}

function terminalInput(socket: Socket): Writable {
  const input = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (socket.destroyed) done(new Error('the terminal is closed'));
      else socket.write(chunk, done);
    },
  });
  input.on('error', () => undefined);
  return input;
}

function resizeTerminal(terminal: IPty, { width, height }: TerminalSize): void {
  if (width < 1 || height < 1) return;
  try {
    terminal.resize(width, height);
  } catch {
    // The terminal is closed already.
  }
}

/**
 * Resolves when a new process leads its group, or has ended. The library returns before the process has begun a session
 * of its own, and until then a signal to its group is lost, SIGKILL too. No event tells of it.
 */
async function leadsGroup(pid: number): Promise<void> {
  while (!isThere(-pid) && isThere(pid)) await turn();
}

/** Whether there is a process, or with a negative ID a group. */
function isThere(target: number): boolean {
  try {
    return process.kill(target, 0);
  } catch (caught) {
    // Otherwise it is that of another user, as a program that changes its user is.
    return (caught as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Starts a program on a pseudo-terminal. `exited` waits for both the process and its output. */
export async function startOnTerminal(
  library: TerminalLibrary,
  { file, argv, cwd, env, stdin }: ChildOptions,
  clock: Clock,
): Promise<Child> {
  const terminal = library.spawn(file, argv.slice(1), {
    name: env['TERM'] ?? 'xterm',
    cols: 80,
    rows: 24,
    cwd,
    env,
    encoding: null,
  });
  const open = terminal as OpenTerminal;
  const exited = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
  const stdout = new TerminalOutput(open, clock);
  await leadsGroup(terminal.pid);
  return {
    pid: terminal.pid,
    stdin: stdin ? terminalInput(open._socket) : undefined,
    stdout,
    stderr: undefined,
    isTerminal: true,
    exited,
    resize: (size) => resizeTerminal(terminal, size),
  };
}
