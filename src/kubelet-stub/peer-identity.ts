import type { TLSSocket } from 'node:tls';
import { acceptedCertificate } from '../wire/peer-certificate.js';

/** Who is at the other end of a connection: a client whose certificate the client CA signed, or nobody we know. */
export type PeerIdentity =
  | { readonly kind: 'client'; readonly name: string; readonly groups: readonly string[] }
  | { readonly kind: 'stranger'; readonly reason: string; readonly isAbsent: boolean };

/** Reads the verdict of the TLS handshake. */
export function identifyPeer(socket: TLSSocket): PeerIdentity {
  const accepted = acceptedCertificate(socket);
  if (accepted !== undefined) {
    const { CN, O } = accepted.subject ?? {};
    return { kind: 'client', name: textsOf(CN).join(','), groups: textsOf(O) };
  }
  if (socket.getPeerCertificate().raw === undefined)
    return { kind: 'stranger', reason: 'no client certificate was presented', isAbsent: true };
  const verdict: unknown = socket.authorizationError;
  const text = verdict instanceof Error ? verdict.message : String(verdict);
  return { kind: 'stranger', reason: `the client certificate was not accepted: ${text}`, isAbsent: false };
}

/** A name may come once, often or not at all. */
function textsOf(name: string | string[] | undefined): readonly string[] {
  if (name === undefined) return [];
  return Array.isArray(name) ? name : [name];
}

/** Names a connection while it lives: HTTP and gRPC both know the address and port of their peer. */
export function connectionKey(address: string | undefined, port: number | undefined): string {
  return `${address ?? ''}|${port ?? 0}`;
}
