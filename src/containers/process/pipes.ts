import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { TunnelError } from '../../core/errors.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** A shell whose descriptors 3, 4 and 5 are pipes, as shells make them for here-documents. It ends with its input. */
const maker = 'exec 3<<E 4<<E 5<<E\nE\nE\nE\necho made; read -r end';

/** A pipe with one end for a child process. Its owner closes `childFd` when the child has its copy. */
export interface ChildPipe<End> {
  readonly childFd: number;
  readonly end: End;
}

export interface ChildPipes {
  readonly stdin: ChildPipe<Writable>;
  readonly stdout: ChildPipe<Socket>;
  readonly stderr: ChildPipe<Socket>;
}

/**
 * Makes real pipes. Node gives children sockets, which cannot be opened as `/dev/stdout`; and with a FIFO, a process
 * that opens `/dev/stdin` after the writer has closed would wait for ever. Node has no pipe(2), so a shell makes the
 * pipes, and we open them through `/proc`. Rejects with FILE_UNWRITABLE, or the operating system's error.
 */
export async function openPipes(): Promise<ChildPipes> {
  const shell = spawn('sh', ['-c', maker], { stdio: ['pipe', 'pipe', 'ignore'] });
  for (const stream of [shell.stdin, shell.stdout]) stream.on('error', () => undefined);
  const gone = once(shell, 'exit').catch((error: unknown) => error);
  const fds: number[] = [];
  try {
    await Promise.race([once(shell.stdout, 'data'), gone]);
    const open = (number: number, flags: number): number => {
      const fd = openSync(`/proc/${shell.pid}/fd/${number}`, flags);
      fds.push(fd);
      if (!fstatSync(fd).isFIFO()) throw new Error('the shell `sh` did not make pipes');
      return fd;
    };
    const pairs = [3, 4, 5].map((number) => {
      const isInput = number === 3;
      const ours = open(number, O_NONBLOCK | (isInput ? O_WRONLY : O_RDONLY));
      return { ours, childFd: open(number, isInput ? O_RDONLY : O_WRONLY) };
    });
    const [first, second, third] = pairs;
    if (first === undefined || second === undefined || third === undefined) throw new Error('too few');
    return { stdin: input(first), stdout: output(second), stderr: output(third) };
  } catch (cause) {
    for (const fd of fds) closeSync(fd);
    throw new TunnelError('FILE_UNWRITABLE', `no pipes for a process: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    shell.stdin.end();
  }
}

interface Pair {
  readonly ours: number;
  readonly childFd: number;
}

function output({ ours, childFd }: Pair): ChildPipe<Socket> {
  const end = new Socket({ fd: ours, readable: true, writable: false });
  end.on('error', () => undefined);
  return { childFd, end };
}

/** A socket would shut down its writing half, which a pipe does not have: a pipe ends by being closed. */
function input({ ours, childFd }: Pair): ChildPipe<Writable> {
  const socket = new Socket({ fd: ours, readable: false, writable: true });
  const end = new Writable({
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => {
      socket.destroy();
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  end.on('error', () => undefined);
  socket.on('error', (error) => end.destroy(error));
  socket.once('close', () => end.destroy());
  return { childFd, end };
}
