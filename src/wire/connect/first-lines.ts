import type { Duplex } from 'node:stream';

/** The first line that each client sends, byte by byte: Node's HTTP parser tells only what it made of it. */
export class FirstLines {
  private readonly texts = new WeakMap<Duplex, string>();

  /** For a socket that an HTTP server has taken over already. */
  watch(socket: Duplex): void {
    const take = (chunk: Buffer): void => {
      const end = chunk.indexOf('\n');
      this.texts.set(socket, this.of(socket) + chunk.toString('latin1', 0, end < 0 ? chunk.length : end));
      if (end >= 0) socket.off('data', take);
    };
    // Before the parser, which may hand the socket on at once.
    socket.prependListener('data', take);
  }

  /** Without its line feed; as much as has come. */
  of(socket: Duplex): string {
    return this.texts.get(socket) ?? '';
  }
}
