import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TunnelError } from '../core/errors.js';

export interface UpgradeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn, so that a name may be used on several lines. Must have Host, Connection and Upgrade. */
  readonly headers: readonly string[];
  /** Aborting cancels the request and destroys the socket. */
  readonly signal?: AbortSignal;
}

interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
}

/** `upgraded`: the caller owns the socket; `head` are bytes that were read already. `refused`: the socket is closed. */
export type UpgradeAnswer =
  | (AnswerHead & { readonly kind: 'upgraded'; readonly socket: Duplex; readonly head: Buffer })
  | (AnswerHead & { readonly kind: 'refused'; readonly body: Buffer });

/** The longest body of a refusal, bytes. The rest is cut. */
const maxBodyBytes = 1024 * 1024;

/** Rejects with TUNNEL_CLOSED when the connection ends before the answer (`EOF` when it just closes). */
export function upgradeHttp(socket: Duplex, upgrade: UpgradeRequest): Promise<UpgradeAnswer> {
  socket.on('error', () => undefined);
  const { method, path, headers, signal } = upgrade;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ method, path, headers, createConnection: () => socket });
    const done = (): void => signal?.removeEventListener('abort', abort);
    const fail = (error: unknown): void => {
      done();
      reject(TunnelError.from(error, 'TUNNEL_CLOSED'));
      request.destroy();
      socket.destroy();
    };
    const abort = (): void => fail(new TunnelError('DIAL_CANCELLED', 'the upgrade was given up'));
    request.on('error', fail);
    request.once('upgrade', (response: IncomingMessage, upgraded: Duplex, head: Buffer) => {
      done();
      resolve({ kind: 'upgraded', ...answerHead(response), socket: upgraded, head });
    });
    request.once('response', (response) => {
      readBody(response).then((body) => {
        done();
        socket.destroy();
        resolve({ kind: 'refused', ...answerHead(response), body });
      }, fail);
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    request.end();
  });
}

function answerHead(response: IncomingMessage): AnswerHead {
  const { statusCode, statusMessage, headers, rawHeaders } = response;
  return { status: statusCode ?? 0, statusText: statusMessage ?? '', headers, rawHeaders };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= maxBodyBytes) break;
  }
  return Buffer.concat(parts, size).subarray(0, maxBodyBytes);
}
