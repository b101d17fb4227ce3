import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a request was answered; `error` is the text of a refusal. */
export interface Answered {
  readonly status: number;
  readonly error?: string;
}

/** Plain text, as the kubelet answers. Clients show only this text. */
export function sendText(response: ServerResponse, { status, text, headers }: Refusal): Answered {
  sendBody(response, status, Buffer.from(text), headers);
  return status < 400 ? { status } : { status, error: text };
}

/** Does nothing when the client has gone. */
export function sendBody(
  response: ServerResponse,
  status: number,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...headers,
  });
  response.end(body);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/** A response on the socket of an upgrade request that is refused; it closes the connection. */
export function responseOnSocket(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('error', () => socket.destroy());
  response.once('finish', () => socket.end());
  return response;
}
