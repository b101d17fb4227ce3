import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/** One end of an in-memory connection. A write completes when the other end reads. */
class PairEnd extends Duplex {
  peer: PairEnd | undefined;
  private wanted = false;
  private sawEnd = false;
  private parked: { readonly chunk: Uint8Array; readonly done: Done } | undefined;

  override _read(): void {
    this.wanted = true;
    this.peer?.deliver();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    if (chunk.length === 0) return done();
    if (this.peer === undefined || this.peer.destroyed) return done(failure('EPIPE', 'write'));
    this.parked = { chunk, done };
    this.deliver();
  }

  override _final(done: Done): void {
    this.endPeer();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const peer = this.peer;
    this.parked = undefined;
    done(error);
    if (peer === undefined || peer.destroyed) return;
    if (error !== null) setImmediate(() => peer.destroy(failure('ECONNRESET', 'read')));
    else this.endPeer();
    peer.failWrite();
  }

  /** What this end has written stays readable; then the end follows. */
  private endPeer(): void {
    const peer = this.peer;
    if (peer === undefined || peer.destroyed || peer.sawEnd) return;
    peer.sawEnd = true;
    peer.push(null);
  }

  private failWrite(): void {
    const parked = this.parked;
    this.parked = undefined;
    parked?.done(failure('EPIPE', 'write'));
  }

  private deliver(): void {
    const peer = this.peer;
    const parked = this.parked;
    if (parked === undefined || peer === undefined || !peer.wanted) return;
    this.parked = undefined;
    peer.wanted = false;
    peer.push(parked.chunk);
    process.nextTick(parked.done);
  }
}

function failure(code: 'EPIPE' | 'ECONNRESET', call: 'read' | 'write'): Error {
  return Object.assign(new Error(`${call} ${code}`), { code });
}

/**
 * Two ends of one in-memory connection, with half-close and back pressure in both directions. Destroying an end ends
 * the other's input and breaks its output (EPIPE). Destroying it with an error gives the other end ECONNRESET. Both
 * have an `error` listener from the start.
 */
export function createDuplexPair(): readonly [Duplex, Duplex] {
  const a = new PairEnd({ allowHalfOpen: true });
  const b = new PairEnd({ allowHalfOpen: true });
  a.peer = b;
  b.peer = a;
  for (const end of [a, b]) end.on('error', () => undefined);
  return [a, b];
}
