import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { takeProtocolToken } from '../streams/protocol-token.js';
import type { Credentials } from './auth/access-control.js';
import type { DoorContext } from './door-context.js';

/** The credentials of a request. Tokens are removed from it, so that nothing shows them. */
export function credentialsOf(
  { identify }: Pick<DoorContext, 'identify'>,
  request: IncomingMessage,
): Credentials {
  const offered = takeProtocolToken(request);
  const token = bearerToken(request.headers.authorization);
  delete request.headers.authorization;
  return {
    certificate: identify(request.socket as TLSSocket),
    ...(token === undefined ? offered : { token }),
  };
}

export function bearerToken(value: string | undefined): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(value?.trim() ?? '') ?? [];
  return token;
}
