import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { takeProtocolToken } from '../streams/protocol-token.js';
import type { Credentials } from './auth/access-control.js';
import { identifyPeer } from './auth/peer-identity.js';

/** The credentials of a request. Tokens are removed from it, so that nothing shows them. */
export function credentialsOf(request: IncomingMessage): Credentials {
  const offered = takeProtocolToken(request);
  const token = bearerToken(request.headers.authorization);
  delete request.headers.authorization;
  return {
    certificate: identifyPeer(request.socket as TLSSocket),
    ...(token === undefined ? offered : { token }),
  };
}

export function bearerToken(value: string | undefined): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(value?.trim() ?? '') ?? [];
  return token;
}
