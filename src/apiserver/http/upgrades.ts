import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Upgrade } from '../../streams/types.js';

/** The most headers of a request that are kept. Node drops the others without a word. */
export const maxHeaders = 1000;

const ignore = (): void => undefined;

/**
 * The requests of HTTP/1.1 connections that have an Upgrade header. Node gives us the connection of each, whatever the
 * header says, and reads no body. When the header means nothing, the head without it is put back in front of the bytes
 * that followed it, and Node reads the request once more.
 */
export class Upgrades {
  private readonly restart: (socket: Duplex) => void;
  /** The newest request of each connection that is not answered. */
  private readonly unanswered = new WeakMap<Duplex, ServerResponse>();
  /** The requests that Node reads once more. */
  private readonly repeated = new WeakMap<Duplex, IncomingMessage>();

  /** `restart` reads requests from a connection. */
  constructor(restart: (socket: Duplex) => void) {
    this.restart = restart;
  }

  /** Call it for every plain request. A repeated one gets its headers back as the client sent them. */
  request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.unanswered.set(socket, response);
    response.once('close', () => {
      if (this.unanswered.get(socket) === response) this.unanswered.delete(socket);
    });
    const original = this.repeated.get(socket);
    if (original === undefined) return;
    this.repeated.delete(socket);
    request.rawHeaders = original.rawHeaders;
    request.headers.upgrade = original.headers.upgrade;
  }

  /** Calls `take` when all earlier requests of the connection are answered, so that no two answers mix. */
  inTurn({ request, socket, head }: Upgrade, take: (upgrade: Upgrade) => void): void {
    socket.on('error', ignore);
    // A client that has ended its side must not look as if it had sent nothing.
    if (head.length > 0) socket.unshift(head);
    const earlier = this.unanswered.get(socket);
    const begin = (): void => {
      if (!socket.destroyed) take({ request, socket, head: Buffer.alloc(0) });
    };
    if (earlier === undefined) begin();
    else earlier.once('close', begin);
  }

  /** Has a request read as if it had no Upgrade header. */
  repeat({ request, socket }: Upgrade): void {
    this.repeated.set(socket, request);
    socket.off('error', ignore);
    socket.unshift(headWithoutUpgrade(request));
    this.restart(socket);
  }
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
