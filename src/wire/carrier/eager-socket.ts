import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { defaultMarks } from '../../core/congestion.js';
import type { Congestible } from '../../core/port.js';
import { Waiters } from '../../core/waiters.js';
import { maxWindowBytes } from './growing-window.js';

/** How many bytes may wait for the kernel: more than the largest HTTP/2 window allows a session to send. */
const maxQueuedBytes = 2 * maxWindowBytes;

/**
 * A socket whose writes finish at once. node:http2 does not read while a write of its session waits for the kernel. So
 * two ends that both have more to send than the kernel's buffers hold would stop each other for good. An end with an
 * eager socket always reads, so that the other end can continue. The HTTP/2 window of the peer limits the queue here.
 * Code that sends much data over the session should wait while `congested`, because everything else waits behind a full
 * window.
 */
export class EagerSocket extends Duplex implements Congestible {
  private readonly socket: Socket;
  private resumeWriting: (() => void) | undefined;
  private readonly waiting = new Waiters();

  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: 64 * 1024 });
    this.socket = socket;
    this.on('error', () => undefined);
    socket.on('data', (data) => this.receive(data));
    socket.on('end', () => this.push(null));
    socket.on('drain', () => this.drained());
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    socket.pause();
  }

  /** True while more bytes wait for the kernel than keep the link busy. */
  get congested(): boolean {
    return !this.destroyed && this.socket.writableLength > defaultMarks.highBytes;
  }

  whenClear(resume: () => void): void {
    this.waiting.add(resume);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.socket.write(chunk);
    this.settle(done);
  }

  override _writev(batch: { chunk: Buffer }[], done: () => void): void {
    this.socket.cork();
    for (const { chunk } of batch) this.socket.write(chunk);
    this.socket.uncork();
    this.settle(done);
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
    this.waiting.wake();
  }

  private receive(data: Buffer): void {
    if (!this.push(data)) this.socket.pause();
  }

  private settle(done: () => void): void {
    if (this.socket.writableLength <= maxQueuedBytes) done();
    else this.resumeWriting = done;
  }

  private drained(): void {
    const resume = this.resumeWriting;
    this.resumeWriting = undefined;
    resume?.();
    this.waiting.wake();
  }
}
