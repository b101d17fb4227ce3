import type { Duplex } from 'node:stream';
import { connectionClosed } from './errors.js';
import { dataHead } from './frames.js';
import { encodeHeaderBlock } from './header-block.js';
import { createHeaderCompressor, type HeaderContext } from './header-compression.js';

/** Called when the next chunk may follow, or with the error that ended the stream. */
export type Done = (error?: Error) => void;

export interface FrameWriterOptions {
  readonly maxHeaderBytes: number;
  /** How many bytes of control frames may wait for a peer that asks for answers and does not read them. */
  readonly maxControlBacklogBytes: number;
  /** Ends the connection with this message. */
  readonly fail: (message: string) => void;
}

/** The largest payload of a frame, bytes. Longer chunks are split: Go peers allocate a whole frame at once. */
const dataFrameBytes = 64 * 1024;

interface Waiter {
  readonly streamId: number;
  readonly payload: Buffer;
  readonly done: Done;
}

interface Job {
  readonly run: () => void;
  readonly drop: (error: Error) => void;
}

/** Writes frames in the order of the calls: later ones wait while a header block is compressed elsewhere. */
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

  /** Sends the frame that `build` returns for the compressed block. */
  headers(fields: Iterable<readonly [string, string]>, build: (block: Buffer) => Buffer): void {
    this.enqueue({ run: () => void this.compress(fields, build), drop: () => undefined });
  }

  /**
   * Sends a payload. `done` is called when the socket has room again. While it is full, payloads wait here in order,
   * one for each stream. So streams take turns, and the payload of an ended stream can be dropped.
   */
  data(streamId: number, payload: Buffer, done: Done): void {
    this.enqueue({ run: () => this.offerData({ streamId, payload, done }), drop: done });
  }

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

  /** Calls `action` after all earlier frames are written. */
  whenWritten(action: () => void): void {
    this.enqueue({ run: action, drop: action });
  }

  /** Drops all frames that are not written. Further calls do nothing. */
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
