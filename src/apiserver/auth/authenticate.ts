import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { WallClock } from '../../core/wall-clock.js';
import { type ProtocolToken, takeProtocolToken } from '../../streams/protocol-token.js';
import { acceptedCertificate } from '../../wire/net/peer-certificate.js';
import type { User } from '../request/exchange.js';
import type { ObjectStore } from '../store/object-store.js';
import { checkServiceAccountToken, type TokenKeys, type TokenVerdict } from './service-account-tokens.js';

export interface TokenRecord {
  readonly token: string;
  readonly user: string;
  readonly groups?: readonly string[];
}

/** Finds the user of a bearer token. Without audiences the token must be valid for the API itself. */
export type TokenAuthenticator = (token: string, audiences?: readonly string[]) => TokenVerdict;

/** `nobody`: a request without a credential. `refused`: its token is not valid, so it does not count as anonymous. */
export type Identity = User | 'nobody' | 'refused';

/**
 * Finds the user of a request: first by client certificate (CN is the name, O the groups), then by bearer token, last by
 * the token in the subprotocols of a WebSocket, which it removes.
 */
export type Authenticator = (request: IncomingMessage) => Identity;

const authenticatedGroup = 'system:authenticated';

/** Tokens of a fixed list, and those of service accounts. */
export function createTokenAuthenticator(
  tokens: readonly TokenRecord[],
  { keys, store, now }: { keys: TokenKeys; store: ObjectStore; now: WallClock },
): TokenAuthenticator {
  const byToken = new Map(tokens.map((record) => [record.token, record]));
  return (token, audiences = [keys.issuer]) => {
    const record = byToken.get(token);
    if (record === undefined)
      return checkServiceAccountToken({ keys, store, nowMs: now() }, token, audiences);
    const user = { name: record.user, groups: [...(record.groups ?? []), authenticatedGroup] };
    return { kind: 'good', user, audiences };
  };
}

export function createAuthenticator(authenticateToken: TokenAuthenticator): Authenticator {
  // A connection keeps its certificate, and to read it costs as much as a small request.
  const users = new WeakMap<object, User>();
  return (request) => {
    const offered = takeProtocolToken(request);
    const known = users.get(request.socket) ?? certificateUser(request.socket as TLSSocket);
    if (known !== undefined) users.set(request.socket, known);
    if (known !== undefined) return known;
    const { token, fault } = headerToken(request) ?? offered;
    if (fault !== undefined) return 'refused';
    if (token === undefined) return 'nobody';
    const verdict = authenticateToken(token);
    return verdict.kind === 'good' ? verdict.user : 'refused';
  };
}

function certificateUser(socket: TLSSocket): User | undefined {
  const subject = acceptedCertificate(socket)?.subject as unknown;
  const name = subjectField(subject, 'CN').at(-1);
  // As in kube's x509 authenticator: of several names the last counts; without a name a token may follow.
  if (name === undefined || name === '') return undefined;
  return { name, groups: [...subjectField(subject, 'O'), authenticatedGroup] };
}

/** Node gives a repeated field as a list, a single one as text. */
function subjectField(subject: unknown, field: 'CN' | 'O'): readonly string[] {
  if (typeof subject !== 'object' || subject === null) return [];
  const value = (subject as Record<string, unknown>)[field];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

function headerToken({ headers }: IncomingMessage): ProtocolToken | undefined {
  const token = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : { token };
}
