import { Duplex } from 'node:stream';

/**
 * A connection for TLS to run over. Node destroys a TLS socket, with all that it has decrypted and nobody has read yet,
 * when the JavaScript stream under it closes; and a stream closes by itself once both its sides have ended. Here the
 * end of the connection is an end and no more: only one that breaks, or `destroy()`, closes.
 */
export class TlsCarrier extends Duplex {
  private readonly connection: Duplex;

  constructor(connection: Duplex) {
    super({ autoDestroy: false });
    this.connection = connection;
    this.on('error', () => undefined);
    connection.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) connection.pause();
    });
    connection.once('end', () => this.push(null));
    connection.once('error', (error) => this.destroy(error));
    connection.once('close', () => void (connection.readableEnded || this.destroy()));
    connection.pause();
    if (connection.destroyed) this.destroy(connection.errored ?? undefined);
  }

  override _read(): void {
    this.connection.resume();
  }

  /** What TLS has to say after the other side has closed, its good-bye, is for nobody. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.connection.writable) this.connection.write(chunk, () => done());
    else done();
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
