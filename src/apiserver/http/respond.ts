import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Status } from '../request/status.js';

export function sendJson(
  response: ServerResponse,
  body: object,
  code = 200,
  contentType = 'application/json',
): void {
  sendBytes(response, Buffer.from(`${JSON.stringify(body)}\n`), code, contentType);
}

export function sendText(response: ServerResponse, text: string, code = 200): void {
  sendBytes(response, Buffer.from(text), code, 'text/plain; charset=utf-8');
}

export function sendBytes(response: ServerResponse, body: Buffer, code: number, contentType: string): void {
  if (response.headersSent || response.writableEnded) return;
  response.writeHead(code, { 'content-type': contentType, 'content-length': body.length });
  response.end(body);
}

/** Answers with a failure, in plain text where kube-apiserver does so. Adds `Retry-After` where the Status has it. */
export function sendStatus(response: ServerResponse, status: Status, plainText = false): void {
  const { retryAfterSeconds } = status.details ?? {};
  // A webhook may refuse with any code. Node's HTTP/2 can only send those below 600; the body has the original code.
  const code = response.req.httpVersionMajor >= 2 && status.code > 599 ? 500 : status.code;
  if (retryAfterSeconds !== undefined && !response.headersSent)
    response.setHeader('retry-after', String(retryAfterSeconds));
  if (plainText && !response.headersSent) {
    response.setHeader('x-content-type-options', 'nosniff');
    return sendText(response, `${status.message}\n`, code);
  }
  sendJson(response, status, code);
}

/** Writes a piece of a streamed answer, at the client's pace. Resolves false when the client has left. */
export async function writeChunk(
  response: ServerResponse,
  chunk: string | Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (response.write(chunk)) return true;
  try {
    await once(response, 'drain', { signal });
    return true;
  } catch {
    return false;
  }
}
