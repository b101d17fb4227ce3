import { Duplex } from 'node:stream';

/**
 * A connection for TLS to run over. When the JavaScript stream under a TLS socket closes, Node destroys the TLS socket
 * together with decrypted bytes that were not read yet; and a stream closes by itself after both its sides have ended.
 * Here an ended connection does not close; only an error or `destroy()` closes it.
 */
export class TlsCarrier extends Duplex {
  private readonly connection: Duplex;
  private readonly written: () => void;
  private first: Buffer | undefined;

  /** `written` is called for each write that the connection has taken. */
  constructor(connection: Duplex, written: () => void = () => undefined) {
    super({ autoDestroy: false });
    this.connection = connection;
    this.written = written;
    this.on('error', () => undefined);
    connection.on('data', (chunk: Buffer) => {
      this.first ??= chunk;
      if (!this.push(chunk)) connection.pause();
    });
    connection.once('end', () => this.push(null));
    connection.once('error', (error) => this.destroy(error));
    connection.once('close', () => void (connection.readableEnded || this.destroy()));
    connection.pause();
    if (connection.destroyed) this.destroy(connection.errored ?? undefined);
  }

  /** True when the other side answers in plain HTTP. */
  get speaksHttp(): boolean {
    return this.first?.subarray(0, 5).toString('latin1') === 'HTTP/';
  }

  override _read(): void {
    this.connection.resume();
  }

  /** Drops what TLS sends after the other side has closed. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.connection.writable) return done();
    this.connection.write(chunk, (error) => {
      if (!error) this.written();
      done();
    });
  }

  override _final(done: () => void): void {
    if (this.connection.writable) this.connection.end(() => done());
    else done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.connection.destroy();
    done(error);
  }
}
