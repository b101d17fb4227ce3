import type { TLSSocket } from 'node:tls';
import { acceptedCertificate } from '../wire/net/peer-certificate.js';

/** Who is at the other end of a connection: a client whose certificate the client CA signed, or nobody we know. */
export type PeerIdentity =
  | { readonly kind: 'client'; readonly name: string; readonly groups: readonly string[] }
  | { readonly kind: 'stranger'; readonly reason: string; readonly isAbsent: boolean };

/** Reads the verdict of the TLS handshake. */
export function identifyPeer(socket: TLSSocket): PeerIdentity {
  const accepted = acceptedCertificate(socket);
  if (accepted !== undefined) {
    const { CN, O } = accepted.subject ?? {};
    return identityOf(textsOf(CN).at(-1) ?? '', textsOf(O));
  }
  if (socket.getPeerCertificate().raw === undefined)
    return { kind: 'stranger', reason: 'no client certificate was presented', isAbsent: true };
  const verdict: unknown = socket.authorizationError;
  const text = verdict instanceof Error ? verdict.message : String(verdict);
  return { kind: 'stranger', reason: `the client certificate was not accepted: ${text}`, isAbsent: false };
}

/** As kube's x509 authenticator: of several names the last counts, and a certificate without one is worth as much as none. */
function identityOf(name: string, groups: readonly string[]): PeerIdentity {
  if (name !== '') return { kind: 'client', name, groups };
  return { kind: 'stranger', reason: 'the client certificate bears no name', isAbsent: true };
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
