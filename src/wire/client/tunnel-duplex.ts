import { Duplex } from 'node:stream';
import { TunnelError } from '../../core/errors.js';
import type { Congestible, Drained } from '../../core/port.js';
import { Waiters } from '../../core/waiters.js';
import { piecesOf } from '../net/message-pieces.js';

export interface TunnelDuplexPort {
  /** Sends bytes. Returns the queue that may be too full now. */
  write(bytes: Uint8Array): Congestible | undefined;
  /** The reader has taken bytes. */
  took(bytes: number): void;
  /** Ends the connection in both directions. */
  close(): void;
}

/**
 * A tunnelled connection as a Node stream. The protocol has one CLOSE for both directions. So `end()` closes the
 * connection after the bytes written before, and a close by the other end ends both sides here, too. Errors are
 * TunnelErrors.
 */
export class TunnelDuplex extends Duplex {
  private readonly port: TunnelDuplexPort;
  private readonly waiting = new Waiters();
  private full = false;
  private cameBytes = 0;
  private takenBytes = 0;

  constructor(port: TunnelDuplexPort) {
    super({ allowHalfOpen: false, highWaterMark: 128 * 1024 });
    this.port = port;
    this.on('error', () => undefined);
  }

  /** Bytes from the other end. Returns the reader's queue when it is full. */
  receive(bytes: Uint8Array): Drained | undefined {
    if (this.destroyed) return undefined;
    this.cameBytes += bytes.length;
    const room = this.push(bytes);
    this.countTaken();
    if (room) return undefined;
    this.full = true;
    return this.gate;
  }

  /** The connection ended. With a text, it broke. */
  finish(error: string, where: string): void {
    if (error === '') this.push(null);
    else this.destroy(new TunnelError('TUNNEL_CLOSED', error, { where }));
    this.wake();
  }

  /** Every way to read from the buffer calls this. It is not called for bytes that a reader gets as they come. */
  override read(size?: number): unknown {
    const taken: unknown = super.read(size);
    this.countTaken();
    return taken;
  }

  /** What a reader puts back counts as taken. */
  private countTaken(): void {
    const bytes = this.cameBytes - this.readableLength - this.takenBytes;
    if (bytes <= 0) return;
    this.takenBytes += bytes;
    this.port.took(bytes);
  }

  private readonly gate: Drained = this.createGate();

  private createGate(): Drained {
    const isFull = (): boolean => this.full && !this.destroyed;
    const taken = (): number => this.takenBytes;
    return {
      get congested() {
        return isFull();
      },
      get takenBytes() {
        return taken();
      },
      whenClear: (resume) => this.waiting.add(resume),
    };
  }

  override _read(): void {
    this.wake();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.pass([chunk], done);
  }

  override _writev(batch: { chunk: Buffer }[], done: () => void): void {
    this.pass(
      batch.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.port.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.port.close();
    this.wake();
    done(error);
  }

  /** The first write of a turn is sent at once. Later writes of that turn are joined. */
  private pass(chunks: readonly Buffer[], done: () => void): void {
    let port: Congestible | undefined;
    for (const piece of piecesOf(chunks)) port = this.port.write(piece);
    if (port?.congested) port.whenClear(done);
    else process.nextTick(done);
  }

  private wake(): void {
    this.full = false;
    this.waiting.wake();
  }
}
