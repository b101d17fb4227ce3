import type { TLSSocket } from 'node:tls';
import type { HandshakeFaults } from '../../wire/net/handshake-faults.js';
import { acceptedCertificate } from '../../wire/net/peer-certificate.js';

/** The peer of a connection: a client whose certificate the client CA signed, or a stranger. */
export type PeerIdentity =
  | { readonly kind: 'client'; readonly name: string; readonly groups: readonly string[] }
  | { readonly kind: 'stranger'; readonly reason: string; readonly isAbsent: boolean };

export function identifyPeer(socket: TLSSocket, faults?: HandshakeFaults): PeerIdentity {
  const accepted = acceptedCertificate(socket);
  if (accepted !== undefined) {
    const fault = faults?.judge(socket);
    if (fault !== undefined) return notAccepted(fault);
    const { CN, O } = accepted.subject ?? {};
    return identityOf(textsOf(CN).at(-1) ?? '', textsOf(O));
  }
  if (socket.getPeerCertificate().raw === undefined)
    return { kind: 'stranger', reason: 'no client certificate was presented', isAbsent: true };
  const verdict: unknown = socket.authorizationError;
  return notAccepted(verdict instanceof Error ? verdict.message : String(verdict));
}

function notAccepted(text: string): PeerIdentity {
  return { kind: 'stranger', reason: `the client certificate was not accepted: ${text}`, isAbsent: false };
}

/** As in kube's x509 authenticator: the last of several names counts; without a name there is no certificate. */
function identityOf(name: string, groups: readonly string[]): PeerIdentity {
  if (name !== '') return { kind: 'client', name, groups };
  return { kind: 'stranger', reason: 'the client certificate has no name', isAbsent: true };
}

function textsOf(name: string | string[] | undefined): readonly string[] {
  if (name === undefined) return [];
  return Array.isArray(name) ? name : [name];
}

/** The key of a living connection: HTTP and gRPC both know the address and port of their peer. */
export function connectionKey(address: string | undefined, port: number | undefined): string {
  return `${address ?? ''}|${port ?? 0}`;
}
