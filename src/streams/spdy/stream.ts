import { Duplex } from 'node:stream';
import { connectionClosed } from './errors.js';
import type { Done } from './frame-writer.js';
import { resetStatus } from './frames.js';
import type { SpdyHeaders } from './header-block.js';

export interface StreamLink {
  sendReply(stream: SpdyStream): void;
  sendData(stream: SpdyStream, payload: Buffer, done: Done): void;
  sendFin(stream: SpdyStream, done: Done): void;
  sendReset(stream: SpdyStream, status: number): void;
  wantsMore(stream: SpdyStream): void;
  /** Called when the stream has ended in both directions. */
  forget(stream: SpdyStream): void;
}

/** How many bytes a stream holds for a slow reader before the whole connection stops reading. */
const readBufferBytes = 128 * 1024;
const writeBufferBytes = 64 * 1024;

/**
 * One SPDY stream. `end()` sends FIN and leaves the other direction open. The peer's FIN is `end` for the reader.
 * `destroy()` sends RST_STREAM CANCEL unless both directions have ended. A reset by the peer, and a connection that
 * ends before the peer's FIN, destroy it with TUNNEL_CLOSED after the reader has read earlier bytes.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  private readonly link: StreamLink;
  private localDone = false;
  private remoteDone = false;
  private lost: Error | undefined;
  private localResetStatus: number = resetStatus.cancel;

  constructor(link: StreamLink, id: number, headers: SpdyHeaders) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: readBufferBytes,
      writableHighWaterMark: writeBufferBytes,
    });
    this.link = link;
    this.id = id;
    this.headers = headers;
    this.on('error', () => undefined);
  }

  get remoteEnded(): boolean {
    return this.remoteDone;
  }

  /** True when a reset of the peer or the end of the connection cut the stream before the peer's FIN. */
  get cut(): boolean {
    return this.lost !== undefined && !this.remoteDone;
  }

  /** Accepts a stream that the peer opened, with SYN_REPLY. */
  reply(): void {
    if (this.lost === undefined) this.link.sendReply(this);
  }

  /** Ends both directions at once with this RST_STREAM status. */
  reset(status: number): void {
    this.localResetStatus = status;
    this.destroy();
  }

  /** Resolves when all earlier writes were sent. Rejects when they cannot be. */
  flushed(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.writableEnded) {
        resolve();
        return;
      }
      this.write(Buffer.alloc(0), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** For the connection: receives payload. Returns false to ask it to stop reading. */
  receive(payload: Buffer): boolean {
    if (this.remoteDone || this.destroyed || payload.length === 0) return true;
    return this.push(payload);
  }

  /** For the connection: the peer's FIN. */
  receiveFin(): void {
    if (this.remoteDone) return;
    this.remoteDone = true;
    if (!this.destroyed) this.push(null);
    this.forgetWhenDone();
  }

  /** For the connection: the peer's FIN will not come. The reader still gets buffered bytes. */
  lose(error: Error): void {
    if (this.lost !== undefined) return;
    this.lost = error;
    if (this.remoteDone) return;
    if (this.readableLength === 0) this.destroy(error);
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (this.cut && this.readableLength === 0) process.nextTick(() => this.destroy(this.lost));
    return chunk;
  }

  override _read(): void {
    this.link.wantsMore(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.lost !== undefined) this.dropWrite(done);
    else if (chunk.length === 0) done();
    else this.link.sendData(this, chunk, (error) => (error ? this.dropWrite(done) : done()));
  }

  override _final(done: Done): void {
    if (this.lost !== undefined) {
      this.dropWrite(done);
      return;
    }
    this.link.sendFin(this, () => done());
    this.localDone = true;
    this.forgetWhenDone();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const over = this.lost !== undefined || (this.localDone && this.remoteDone);
    if (!over) this.link.sendReset(this, this.localResetStatus);
    this.link.forget(this);
    done(error);
  }

  /** After the peer has sent its FIN, our unsent bytes can be dropped. The reader may still be reading. */
  private dropWrite(done: Done): void {
    if (this.remoteDone) done();
    else done(this.lost ?? connectionClosed());
  }

  private forgetWhenDone(): void {
    if (this.localDone && this.remoteDone) this.link.forget(this);
  }
}
