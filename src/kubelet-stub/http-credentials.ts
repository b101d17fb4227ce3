import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { headerList } from '../streams/protocol-names.js';
import type { Credentials } from './auth/access-control.js';
import { identifyPeer } from './auth/peer-identity.js';

/** Browsers cannot set headers on a WebSocket, so a token may come as the name of a subprotocol. */
const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

export function credentialsOf(request: IncomingMessage): Credentials {
  return {
    certificate: identifyPeer(request.socket as TLSSocket),
    token: bearerToken(request.headers.authorization) ?? protocolToken(request),
  };
}

export function bearerToken(value: string | undefined): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(value?.trim() ?? '') ?? [];
  return token;
}

function protocolToken(request: IncomingMessage): string | undefined {
  const offered = headerList(request, 'Sec-WebSocket-Protocol');
  const found = offered.find((name) => name.startsWith(protocolPrefix));
  if (found === undefined) return undefined;
  return Buffer.from(found.slice(protocolPrefix.length), 'base64url').toString();
}
