import { constants } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/**
 * Options for every TLS server, also after a renewal: sessions are not resumed. Node checks a client's certificate only
 * in full handshakes. A resumed session of TLS 1.3 counts as `authorized` even when it never had a certificate, and a
 * session stays valid when its certificate has expired or its CA was replaced.
 */
export const withoutResumption = { secureOptions: constants.SSL_OP_NO_TICKET } as const;

/** The certificate of a client, if its CA signed it. `authorized` alone does not mean that there is one. */
export function acceptedCertificate(socket: TLSSocket): PeerCertificate | undefined {
  if (socket.authorized !== true) return undefined;
  const certificate = socket.getPeerCertificate();
  // Node returns an empty object, not undefined, when the peer sent no certificate.
  return certificate?.raw === undefined ? undefined : certificate;
}

/** `host:port` of the other end; empty for a Unix socket, or when it is gone already. */
export function peerOf({
  remoteAddress,
  remotePort = 0,
}: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
  return remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`;
}
