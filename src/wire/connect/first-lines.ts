import type { Duplex } from 'node:stream';

/** The first line that each client sends, byte for byte. Node's HTTP parser does not pass it on unchanged. */
export class FirstLines {
  private readonly texts = new WeakMap<Duplex, string>();

  /** Records the first line of a socket that an HTTP server has taken over already. */
  watch(socket: Duplex): void {
    const take = (chunk: Buffer): void => {
      const end = chunk.indexOf('\n');
      this.texts.set(socket, this.of(socket) + chunk.toString('latin1', 0, end < 0 ? chunk.length : end));
      if (end >= 0) socket.off('data', take);
    };
    // Before the parser, which may pass the socket on at once.
    socket.prependListener('data', take);
  }

  /** The first line without its line feed, as far as it was received. */
  of(socket: Duplex): string {
    return this.texts.get(socket) ?? '';
  }
}
