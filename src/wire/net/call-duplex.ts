import { Duplex } from 'node:stream';
import { piecesOf, type SendPiece, sendPieces } from './message-pieces.js';

/** A message of a call with one byte stream in each direction (`PortForward`), as either end reads it. */
export interface ByteMessage {
  readonly message?: string | undefined;
  readonly data?: Buffer | undefined;
}

export interface MessageSource {
  on(event: 'data', listener: (message: ByteMessage) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface CallDuplexOptions {
  readonly call: MessageSource;
  readonly send: SendPiece;
  /** Sends the half-close, after our direction has ended. */
  readonly halfClose: (done: () => void) => void;
  /** The stream was destroyed, with `error` after a failure. */
  readonly abandon: (error: Error | null) => void;
}

/** A byte stream over a call. Back pressure both ways: reading pauses the call, writing waits for the transport. */
export class CallDuplex extends Duplex {
  private readonly options: CallDuplexOptions;
  private readEnded = false;

  constructor(options: CallDuplexOptions) {
    super({ allowHalfOpen: true });
    this.options = options;
    this.on('error', () => undefined);
    options.call.on('data', (message) => this.receive(message));
    options.call.on('end', () => this.endRead());
    options.call.resume();
  }

  override _read(): void {
    this.options.call.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    sendPieces(piecesOf([chunk]), this.options.send, done);
  }

  override _writev(batch: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    sendPieces(piecesOf(batch.map(({ chunk }) => chunk)), this.options.send, done);
  }

  override _final(done: () => void): void {
    this.options.halfClose(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.options.abandon(error);
    done(error);
  }

  private receive(message: ByteMessage): void {
    if (this.destroyed || this.readEnded) return;
    if (message.message === 'halfClose') this.endRead();
    else if (message.data !== undefined && !this.push(message.data)) this.options.call.pause();
  }

  private endRead(): void {
    if (this.destroyed || this.readEnded) return;
    this.readEnded = true;
    this.push(null);
    // After a half-close only the end of the call comes, which must not wait for a reader.
    this.options.call.resume();
  }
}
