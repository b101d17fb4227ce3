import type { Duplex } from 'node:stream';
import { connectionClosed } from './errors.js';
import { dataHead } from './frames.js';
import { encodeHeaderBlock } from './header-block.js';
import { createHeaderCompressor, type HeaderContext } from './header-compression.js';

/** Called when the next chunk may follow, or with the error that makes it pointless. */
export type Done = (error?: Error) => void;

export interface FrameWriterOptions {
  readonly maxHeaderBytes: number;
  /** Control frames that the peer makes us answer but does not read, at most, in bytes. */
  readonly maxControlBacklogBytes: number;
  /** The connection cannot go on. */
  readonly fail: (message: string) => void;
}

/** Longer chunks are cut into frames of this payload; Go peers allocate a whole frame at once. */
const dataFrameBytes = 64 * 1024;

/** A payload that the socket has no room for yet. */
interface Waiter {
  readonly streamId: number;
  readonly payload: Buffer;
  readonly done: Done;
}

interface Job {
  readonly run: () => void;
  readonly drop: (error: Error) => void;
}

/**
 * Serialises frames onto the socket. Header blocks are compressed off the event loop; whatever comes behind one waits,
 * so frames leave in the order of the calls. Payloads are handed to the socket as they are.
 */
export class FrameWriter {
  private readonly socket: Duplex;
  private readonly options: FrameWriterOptions;
  private readonly queue: Job[] = [];
  private compressor: HeaderContext | undefined;
  private compressing = false;
  private waiting: Waiter[] = [];
  private readonly written: Done[] = [];
  private controlBacklogBytes = 0;
  private closedBy: Error | undefined;

  constructor(socket: Duplex, options: FrameWriterOptions) {
    this.socket = socket;
    this.options = options;
    socket.on('drain', () => this.drained());
  }

  control(frame: Buffer): void {
    this.enqueue({ run: () => this.writeControl(frame), drop: () => undefined });
  }

  /** Sends the frame that `build` makes of the compressed block. */
  headers(fields: Iterable<readonly [string, string]>, build: (block: Buffer) => Buffer): void {
    this.enqueue({ run: () => void this.compress(fields, build), drop: () => undefined });
  }

  /**
   * `done` comes when the socket has room again. While it is full, payloads wait here, one for each stream and in the
   * order of their arrival: a stream takes its turn, and what a dead stream left can still be dropped.
   */
  data(streamId: number, payload: Buffer, done: Done): void {
    this.enqueue({ run: () => this.offerData({ streamId, payload, done }), drop: done });
  }

  /** Drops the payload that waits for this stream, if one does. */
  dropData(streamId: number, error: Error): void {
    const index = this.waiting.findIndex((waiter) => waiter.streamId === streamId);
    if (index === -1) return;
    for (const { done } of this.waiting.splice(index, 1)) done(error);
  }

  fin(streamId: number, done: Done): void {
    const run = (): void => {
      this.writeControl(dataHead(streamId, 0, true));
      done();
    };
    this.enqueue({ run, drop: done });
  }

  /** Runs behind every frame handed in before. */
  whenWritten(action: () => void): void {
    this.enqueue({ run: action, drop: action });
  }

  /** Drops what has not reached the socket. Idempotent. */
  close(error: Error): void {
    if (this.closedBy !== undefined) return;
    this.closedBy = error;
    this.compressor?.close();
    for (const job of this.queue.splice(0)) job.drop(error);
    const waiting = this.waiting;
    this.waiting = [];
    for (const done of [...this.written.splice(0), ...waiting.map((waiter) => waiter.done)]) done(error);
  }

  private enqueue(job: Job): void {
    if (this.closedBy !== undefined) job.drop(this.closedBy);
    else if (this.compressing) this.queue.push(job);
    else job.run();
  }

  private async compress(
    fields: Iterable<readonly [string, string]>,
    build: (block: Buffer) => Buffer,
  ): Promise<void> {
    this.compressing = true;
    try {
      this.compressor ??= createHeaderCompressor(this.options.maxHeaderBytes);
      this.writeControl(build(await this.compressor.run(encodeHeaderBlock(fields))));
    } catch (error) {
      this.options.fail(`SPDY headers could not be compressed: ${String(error)}`);
    }
    this.compressing = false;
    this.runQueue();
  }

  private runQueue(): void {
    while (!this.compressing) {
      const job = this.queue.shift();
      if (job === undefined) return;
      job.run();
    }
  }

  private writeControl(frame: Buffer): void {
    if (!this.socket.writable) return;
    this.controlBacklogBytes += frame.length;
    this.socket.write(frame, () => {
      this.controlBacklogBytes -= frame.length;
    });
    if (this.controlBacklogBytes > this.options.maxControlBacklogBytes) {
      this.options.fail('the SPDY peer asks for answers but does not read them');
    }
  }

  private offerData(waiter: Waiter): void {
    const { socket } = this;
    if (!socket.writable) waiter.done(connectionClosed());
    else if (socket.writableNeedDrain || this.waiting.length > 0) this.waiting.push(waiter);
    else this.writeData(waiter);
  }

  private writeData({ streamId, payload, done }: Waiter): void {
    const { socket } = this;
    socket.cork();
    for (let offset = 0; offset < payload.length; offset += dataFrameBytes) {
      const piece = payload.subarray(offset, offset + dataFrameBytes);
      socket.write(dataHead(streamId, piece.length, false));
      socket.write(piece);
    }
    socket.uncork();
    if (socket.writableNeedDrain) this.written.push(done);
    else done();
  }

  private drained(): void {
    for (const done of this.written.splice(0)) done();
    while (!this.socket.writableNeedDrain) {
      const waiter = this.waiting.shift();
      if (waiter === undefined) return;
      this.writeData(waiter);
    }
  }
}
