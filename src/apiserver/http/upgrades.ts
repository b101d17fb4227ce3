import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Upgrade } from '../../streams/types.js';

/** The most headers of a request that are kept. Node drops the others without a word. */
export const maxHeaders = 1000;

const ignore = (): void => undefined;

/**
 * The requests of HTTP/1.1 connections that have an Upgrade header. Node gives us the connection of each, whatever the
 * header says, and reads no body. When the header means nothing, the head is put back in front of the bytes that
 * followed it, with another name for the header, and Node reads the request once more.
 */
export class Upgrades {
  private readonly restart: (socket: Duplex) => void;
  /** Stands for `Upgrade`. No client can know it. */
  private readonly alias = `upgrade-${randomUUID()}`;
  /** The requests of each connection that are not answered, in order. */
  private readonly unanswered = new WeakMap<Duplex, Set<EventEmitter>>();

  /** `restart` reads requests from a connection. */
  constructor(restart: (socket: Duplex) => void) {
    this.restart = restart;
  }

  /** Call it for every plain request, before anything else looks at it. */
  request(
    { socket, headers, rawHeaders }: IncomingMessage | Http2ServerRequest,
    response: EventEmitter,
  ): void {
    const waiting = this.waiting(socket);
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
    const value = headers[this.alias];
    if (value === undefined) return;
    headers.upgrade = String(value);
    delete headers[this.alias];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (rawHeaders[index] === this.alias) rawHeaders[index] = 'Upgrade';
    }
  }

  /** Calls `take` when all earlier requests of the connection are answered, so that no two answers mix. */
  inTurn({ request, socket, head }: Upgrade, take: (upgrade: Upgrade) => void): void {
    socket.on('error', ignore);
    if (head.length > 0) socket.unshift(head);
    const last = [...this.waiting(socket)].at(-1);
    const begin = (): void => {
      if (!socket.destroyed) take({ request, socket, head: Buffer.alloc(0) });
    };
    if (last === undefined) begin();
    else last.once('close', begin);
  }

  /** Has a request read as if it had no Upgrade header. */
  repeat({ request, socket }: Upgrade): void {
    const { method, url, httpVersion, rawHeaders } = request;
    const lines = [`${method} ${url} HTTP/${httpVersion}`];
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      lines.push(`${name.toLowerCase() === 'upgrade' ? this.alias : name}: ${rawHeaders[index + 1]}`);
    }
    socket.off('error', ignore);
    socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
    this.restart(socket);
  }

  private waiting(socket: Duplex): Set<EventEmitter> {
    const known = this.unanswered.get(socket);
    if (known !== undefined) return known;
    const fresh = new Set<EventEmitter>();
    this.unanswered.set(socket, fresh);
    // Node tells only the first of several answers that their connection has closed.
    socket.once('close', () => {
      for (const response of fresh) response.emit('close');
    });
    return fresh;
  }
}
