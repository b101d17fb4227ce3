import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { TunnelError } from '../core/errors.js';
import { reasonOf } from './file-reasons.js';

/** The largest file, bytes: far above any certificate, key, token or configuration. */
const maxBytes = 1024 * 1024;
/** With these flags a FIFO is opened without waiting for its writer, and a terminal does not become this process's. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** How long a pipe may take until its end, ms. */
const pipeTimeoutMs = 10_000;
const pipeRetryMs = 20;
const interrupted = 'was not read to its end: interrupted';

/**
 * Reads a certificate, key or token: a regular file of at most 1 MiB, maybe behind links. Other kinds of files might
 * never end, or keep the process alive. Rejects with FILE_UNREADABLE, with the path and the reason.
 */
export async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, openFlags);
    try {
      checkRegular(await file.stat());
      // One byte more than allowed, to notice a larger file.
      return await gather(file.createReadStream({ end: maxBytes, autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** As `readText`, but synchronous. Throws FILE_UNREADABLE. */
export function readTextSync(path: string): string {
  try {
    const fd = openSync(path, openFlags);
    try {
      checkRegular(fstatSync(fd));
      return readToEnd(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * Reads a configuration of at most 1 MiB: a regular file, or a pipe until its end, such as `/dev/stdin` and a shell's
 * `<(…)`, within 10 s. Rejects with FILE_UNREADABLE, with the path and the reason; also when `signal` aborts.
 */
export async function readDocument(path: string, signal?: AbortSignal): Promise<string> {
  try {
    const late = AbortSignal.timeout(pipeTimeoutMs);
    const over = signal === undefined ? late : AbortSignal.any([late, signal]);
    for (;;) {
      const fd = openSync(path, openFlags);
      if (!isPipe(fd)) break;
      const text = await gather(pipe(fd, over));
      if (signal?.aborted === true) throw new Error(interrupted);
      if (text !== '' || late.aborted) return text;
      // A FIFO without a writer yet looks as one whose writer has gone.
      await pause(pipeRetryMs);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return readText(path);
}

/** Reads a stream of at most 1 MiB to its end. Rejects with FILE_UNREADABLE, with `name` and the reason. */
export async function readStream(name: string, stream: AsyncIterable<Uint8Array>): Promise<string> {
  try {
    return await gather(stream);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function isPipe(fd: number): boolean {
  const yes = fstatSync(fd).isFIFO();
  if (!yes) closeSync(fd);
  return yes;
}

function pipe(fd: number, signal: AbortSignal): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('error', () => undefined);
  const stop = (): void => void socket.destroy(new Error(reasonToStop(signal.reason)));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', stop));
  return socket;
}

function reasonToStop(reason: unknown): string {
  const isLate = reason instanceof Error && reason.name === 'TimeoutError';
  return isLate ? `did not end within ${pipeTimeoutMs / 1000} s` : interrupted;
}

function checkRegular(stats: Stats): void {
  if (stats.isDirectory()) throw new Error('is a folder');
  if (!stats.isFile()) throw new Error(`not a regular file but a ${stats.isFIFO() ? 'FIFO' : 'device'}`);
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    checkSize(sizeBytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readToEnd(fd: number): string {
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let end = 0;
  for (let read = -1; read !== 0; end += read) {
    checkSize(end);
    read = readSync(fd, buffer, end, buffer.length - end, null);
  }
  return buffer.toString('utf8', 0, end);
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes > maxBytes) throw new Error('larger than 1 MiB');
}

function unreadable(path: string, cause: unknown): TunnelError {
  return new TunnelError('FILE_UNREADABLE', `${path}: ${reasonOf(cause)}`, { where: path, cause });
}
