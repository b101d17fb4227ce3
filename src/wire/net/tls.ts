import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureVersion, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { TunnelError } from '../../core/errors.js';
import { withoutResumption } from './peer-certificate.js';

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

/** Texts that may change while they are in use: each handshake takes what is current. */
export interface Renewable<T> {
  readonly current: T;
  /** Calls `take` at each change; returns how to end that. */
  subscribe(take: (texts: T) => void): () => void;
}

export function isRenewable<T extends object>(tls: T | Renewable<T>): tls is Renewable<T> {
  return 'subscribe' in tls;
}

/** What the next handshake takes. */
export function currentTls<T extends object>(tls: T | Renewable<T>): T {
  return isRenewable(tls) ? tls.current : tls;
}

/** The same texts in another shape, renewed together with them. */
export function renewableAs<T, U>(source: Renewable<T>, shape: (texts: T) => U): Renewable<U> {
  return {
    get current() {
      return shape(source.current);
    },
    subscribe: (take) => source.subscribe((texts) => take(shape(texts))),
  };
}

/**
 * Throws CERT_INVALID when the texts are no PEM, when certificate and key do not belong together, and when the CA holds
 * no certificate.
 */
export function checkTlsFiles(tls: ClientTls | ServerTls, where: string): void {
  try {
    if (tls.ca !== undefined) checkAuthorities(tls.ca);
    if (tls.cert !== undefined) checkPair(tls);
    createSecureContext(tls);
  } catch (cause) {
    throw TunnelError.from(cause, 'CERT_INVALID', where);
  }
}

/** OpenSSL passes over what it cannot read in a CA, and over a CA that is empty. */
function checkAuthorities(pem: string): void {
  const begun = pem.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0;
  const whole = pem.match(/-----BEGIN (\S+ )?CERTIFICATE-----[^-]*-----END \1?CERTIFICATE-----/g) ?? [];
  if (begun === 0) throw new Error('the CA holds no certificate');
  if (whole.length < begun) throw new Error('the CA ends within a certificate');
  for (const certificate of whole) void new X509Certificate(certificate);
}

/** Node takes an empty text as none at all. */
function checkPair({ cert, key }: Pick<TlsFiles, 'cert' | 'key'>): void {
  if (cert.trim() === '') throw new Error('the certificate is empty');
  if (key.trim() === '') throw new Error('the key is empty');
}

/** The same as options of node's TLS servers. */
export function tlsServerOptions({ ca, minVersion = 'TLSv1.2', ...own }: ServerTls): TlsOptions {
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { ...own, ...clients, ...withoutResumption, minVersion };
}

/** Lets a server show and believe what is renewed, in handshakes from then on; returns how to end that. */
export function followRenewals(server: TlsServer, tls: ServerTls | Renewable<ServerTls>): () => void {
  if (!isRenewable(tls)) return () => undefined;
  return tls.subscribe((texts) => server.setSecureContext(tlsServerOptions(texts)));
}
