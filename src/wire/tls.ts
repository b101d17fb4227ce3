import { createSecureContext } from 'node:tls';
import { TunnelError } from '../core/errors.js';

/** PEM texts of one end of a mutual TLS connection. */
export interface TlsFiles {
  /** Whom to believe. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Throws CERT_INVALID when the texts are no PEM, or certificate and key do not belong together. */
export function checkTlsFiles({ ca, cert, key }: TlsFiles, where: string): void {
  try {
    createSecureContext({ ca, cert, key });
  } catch (cause) {
    throw TunnelError.from(cause, 'CERT_INVALID', where);
  }
}
