import { Duplex } from 'node:stream';
import { TunnelError } from '../../core/errors.js';
import type { Congestible, Drained } from '../../core/port.js';
import { Waiters } from '../../core/waiters.js';
import { piecesOf } from '../net/pieces.js';

/** What the stream asks of the tunnel under it. */
export interface TunnelDuplexPort {
  /** Sends bytes; returns what may be too full to take more. */
  write(bytes: Uint8Array): Congestible | undefined;
  /** Ends the connection, both directions. */
  close(): void;
}

/**
 * A tunnelled connection as a Node stream. The wire has one CLOSE for both directions, so `end()` closes the connection
 * after what was written, and the other end's close ends both sides here too. Errors are TunnelErrors.
 */
export class TunnelDuplex extends Duplex {
  private readonly port: TunnelDuplexPort;
  private readonly waiting = new Waiters();
  private full = false;
  private takenBytes = 0;

  constructor(port: TunnelDuplexPort) {
    super({ allowHalfOpen: false, highWaterMark: 128 * 1024 });
    this.port = port;
    this.on('error', () => undefined);
  }

  /** Bytes from the other end. Returns a gate when the reader does not keep up. */
  receive(bytes: Uint8Array): Drained | undefined {
    if (this.destroyed || this.push(bytes)) return undefined;
    this.full = true;
    return this.gate;
  }

  /** The connection is over; with a text it broke. */
  finish(error: string, where: string): void {
    if (error === '') this.push(null);
    else this.destroy(new TunnelError('TUNNEL_CLOSED', error, { where }));
    this.wake();
  }

  /** Every way to read from a stream comes through here: what was taken shows whether the reader is alive. */
  override read(size?: number): unknown {
    const taken: unknown = super.read(size);
    if (taken instanceof Uint8Array) this.takenBytes += taken.length;
    return taken;
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

  /** The first write of a tick goes out at once; the others of that tick are joined. */
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
