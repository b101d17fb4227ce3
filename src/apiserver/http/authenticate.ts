import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { User } from './exchange.js';

/** A bearer token and whom it stands for. */
export interface TokenRecord {
  readonly token: string;
  readonly user: string;
  readonly groups?: readonly string[];
}

/** Tells who sent a request: first by client certificate (CN is the name, O the groups), then by bearer token. */
export type Authenticator = (request: IncomingMessage) => User | undefined;

const authenticatedGroup = 'system:authenticated';

export function createAuthenticator(tokens: readonly TokenRecord[]): Authenticator {
  const byToken = new Map(tokens.map((record) => [record.token, record]));
  return (request) => certificateUser(request.socket as TLSSocket) ?? tokenUser(request, byToken);
}

function certificateUser(socket: TLSSocket): User | undefined {
  if (socket.authorized !== true) return undefined;
  const subject = socket.getPeerCertificate().subject as unknown;
  const name = subjectField(subject, 'CN')[0];
  if (name === undefined) return undefined;
  return { name, groups: [...subjectField(subject, 'O'), authenticatedGroup] };
}

/** Node gives a repeated field as a list, a single one as text. */
function subjectField(subject: unknown, field: 'CN' | 'O'): readonly string[] {
  if (typeof subject !== 'object' || subject === null) return [];
  const value = (subject as Record<string, unknown>)[field];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

function tokenUser(request: IncomingMessage, byToken: ReadonlyMap<string, TokenRecord>): User | undefined {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const record = token === undefined ? undefined : byToken.get(token);
  if (record === undefined) return undefined;
  return { name: record.user, groups: [...(record.groups ?? []), authenticatedGroup] };
}
