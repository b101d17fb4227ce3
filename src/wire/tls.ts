import { createSecureContext, type SecureVersion, type TlsOptions } from 'node:tls';
import { TunnelError } from '../core/errors.js';

/** PEM texts of one end of a mutual TLS connection. */
export interface TlsFiles {
  /** Whom to believe. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** PEM texts of a client. Without a certificate of its own it stays unknown to the server. */
export type ClientTls = TlsFiles | { readonly ca: string; readonly cert?: never; readonly key?: never };

/** PEM texts of a server, and what it insists on. */
export interface ServerTls {
  /** Who signs clients. Without it they are asked for no certificate. */
  readonly ca?: string;
  readonly cert: string;
  readonly key: string;
  /** Default TLS 1.2. */
  readonly minVersion?: SecureVersion;
  /** OpenSSL's list; default node's. */
  readonly ciphers?: string;
}

/** Throws CERT_INVALID when the texts are no PEM, or certificate and key do not belong together. */
export function checkTlsFiles({ ca, cert, key }: ClientTls | ServerTls, where: string): void {
  try {
    createSecureContext({ ca, cert, key });
  } catch (cause) {
    throw TunnelError.from(cause, 'CERT_INVALID', where);
  }
}

/** The same as options of node's TLS servers. */
export function tlsServerOptions({ ca, minVersion = 'TLSv1.2', ...own }: ServerTls): TlsOptions {
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { ...own, ...clients, minVersion };
}
