import { constants } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/**
 * For every TLS server, and with every renewal: no session is resumed. Node checks a client's certificate in whole
 * handshakes only: a resumed session of TLS 1.3 counts as `authorized` even when it never had a certificate, and one of
 * a certificate stays good when that has expired, or its CA was replaced.
 */
export const withoutResumption = { secureOptions: constants.SSL_OP_NO_TICKET } as const;

/** The certificate that a client has shown and that its CA has signed. `authorized` alone does not say that there is one. */
export function acceptedCertificate(socket: TLSSocket): PeerCertificate | undefined {
  if (socket.authorized !== true) return undefined;
  const certificate = socket.getPeerCertificate();
  // Node gives an empty object, not undefined, when the peer sent no certificate.
  return certificate?.raw === undefined ? undefined : certificate;
}
