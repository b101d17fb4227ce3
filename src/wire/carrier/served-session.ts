import type { ServerHttp2Session } from 'node:http2';
import { peerOf } from '../net/peer-certificate.js';

/** As many streams as HTTP/2 can count: no limit. */
const anyNumber = 2 ** 32 - 1;

/** What a server can say to one peer beside its calls. */
export class ServedSession {
  /** `host:port`; empty for a Unix socket. */
  readonly peer: string;
  private readonly session: ServerHttp2Session;

  constructor(session: ServerHttp2Session) {
    this.session = session;
    this.peer = peerOf(session.socket);
  }

  /** Announces the end of the connection, with a code of HTTP/2 and a text. Open calls continue if the peer lets them. */
  goaway(code: number, text: string): void {
    if (!this.session.destroyed) this.session.goaway(code, 0, Buffer.from(text));
  }

  /** How many calls the peer may have open. Undefined: any number. */
  limitCalls(count: number = anyNumber): void {
    if (!this.session.destroyed && !this.session.closed)
      this.session.settings({ maxConcurrentStreams: count });
  }
}
