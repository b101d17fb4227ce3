import type { IncomingMessage } from 'node:http';
import { badRequest, StatusError } from '../request/status.js';

/** As kube-apiserver: 3 MiB. */
const limitBytes = 3 * 1024 * 1024;

/** Reads the whole body. Rejects with 413 when it is too large, and with 400 when it ends too early. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const piece = Buffer.from(chunk as Uint8Array);
      sizeBytes += piece.length;
      if (sizeBytes > limitBytes) throw tooLarge();
      chunks.push(piece);
    }
  } catch (caught) {
    if (caught instanceof StatusError) throw caught;
    throw badRequest('unexpected EOF');
  }
  return Buffer.concat(chunks);
}

function tooLarge(): StatusError {
  return new StatusError(413, `Request entity too large: limit is ${limitBytes}`, {
    reason: 'RequestEntityTooLarge',
  });
}

/** The media type of a body in lower case, without parameters; empty when there is no Content-Type. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** 415 with the accepted types. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    { reason: 'UnsupportedMediaType' },
  );
}
