import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { headerList, isWebSocketRequest } from './protocol-names.js';

const header = 'sec-websocket-protocol';
const prefix = 'base64url.bearer.authorization.k8s.io.';

/** `fault`: the request has a token that must be refused, in the words of kube-apiserver's log. */
export interface ProtocolToken {
  readonly token?: string;
  readonly fault?: string;
}

/**
 * The bearer token of a WebSocket request whose client cannot set headers: a browser. It comes as the name of a
 * subprotocol. It is removed from the request, so that it is never chosen, passed on or shown.
 */
export function takeProtocolToken(request: IncomingMessage): ProtocolToken {
  if (!String(request.headers[header] ?? '').includes(prefix)) return {};
  const names = headerList(request, header);
  const others = names.filter((name) => !name.startsWith(prefix));
  replaceHeader(request, others.join(', '));
  const [found, ...more] = names.filter((name) => name.startsWith(prefix));
  if (found === undefined || !isWebSocketRequest(request)) return {};
  if (more.length > 0) return { fault: 'multiple base64.bearer.authorization tokens specified' };
  const encoded = found.slice(prefix.length);
  if (!/^[\w-]*$/.test(encoded) || encoded.length % 4 === 1)
    return { fault: 'invalid base64.bearer.authorization token encoding' };
  const bytes = Buffer.from(encoded, 'base64url');
  if (!isUtf8(bytes)) return { fault: 'invalid base64.bearer.authorization token' };
  if (bytes.length === 0) return {};
  return others.length === 0 ? { fault: 'missing additional subprotocol' } : { token: bytes.toString() };
}

/** In place: an HTTP/2 request has no other way. */
function replaceHeader({ headers, rawHeaders }: IncomingMessage, value: string): void {
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === header) rawHeaders.splice(index, 2);
  }
  delete headers[header];
  if (value === '') return;
  rawHeaders.push('Sec-WebSocket-Protocol', value);
  headers[header] = value;
}
