import { X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureVersion,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { TunnelError } from '../../core/errors.js';
import { withoutResumption } from './peer-certificate.js';

/** PEM texts of one end of a mutual TLS connection. */
export interface TlsFiles {
  /** The CA to trust. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** PEM texts of a client. Without a certificate the server does not know who it is. */
export type ClientTls = TlsFiles | { readonly ca: string; readonly cert?: never; readonly key?: never };

/** PEM texts of a server, and its requirements for clients. */
export interface ServerTls {
  /** The CA of the clients. Default: clients are not asked for a certificate. */
  readonly ca?: string;
  readonly cert: string;
  readonly key: string;
  /** The lowest version. Default TLS 1.2. */
  readonly minVersion?: SecureVersion;
  /** Cipher suites as an OpenSSL list. Default: Node's. */
  readonly ciphers?: string;
}

/** Texts that may change while they are in use. Each handshake uses the current ones. */
export interface Renewable<T> {
  readonly current: T;
  /** Calls `take` at each change. Call the returned function to end that. */
  subscribe(take: (texts: T) => void): () => void;
}

export function isRenewable<T extends object>(tls: T | Renewable<T>): tls is Renewable<T> {
  return 'subscribe' in tls;
}

/** The texts for the next handshake. */
export function currentTls<T extends object>(tls: T | Renewable<T>): T {
  return isRenewable(tls) ? tls.current : tls;
}

/** The same texts in another form, renewed together with them. */
export function renewableAs<T, U>(source: Renewable<T>, shape: (texts: T) => U): Renewable<U> {
  return {
    get current() {
      return shape(source.current);
    },
    subscribe: (take) => source.subscribe((texts) => take(shape(texts))),
  };
}

const contexts = new WeakMap<ClientTls | ServerTls, SecureContext>();

/**
 * The context of these texts, made once for each object: it costs a millisecond. Throws CERT_INVALID: the texts are not
 * PEM, certificate and key do not match, or the CA has no certificate.
 */
export function checkTlsFiles(tls: ClientTls | ServerTls, where: string): SecureContext {
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  try {
    if (tls.ca !== undefined) checkAuthorities(tls.ca);
    if (tls.cert !== undefined) checkPair(tls);
    const context = createSecureContext(tls);
    contexts.set(tls, context);
    return context;
  } catch (cause) {
    throw TunnelError.from(cause, 'CERT_INVALID', where);
  }
}

/** OpenSSL ignores unreadable parts of a CA, and an empty CA. This does not. */
function checkAuthorities(pem: string): void {
  const begun = pem.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0;
  const whole = pem.match(/-----BEGIN (\S+ )?CERTIFICATE-----[^-]*-----END \1?CERTIFICATE-----/g) ?? [];
  if (begun === 0) throw new Error('the CA holds no certificate');
  if (whole.length < begun) throw new Error('the CA ends in the middle of a certificate');
  for (const certificate of whole) void new X509Certificate(certificate);
}

/** Node treats an empty text as absent. This does not. */
function checkPair({ cert, key }: Pick<TlsFiles, 'cert' | 'key'>): void {
  if (cert.trim() === '') throw new Error('the certificate is empty');
  if (key.trim() === '') throw new Error('the key is empty');
}

export function tlsServerOptions({ ca, minVersion = 'TLSv1.2', ...own }: ServerTls): TlsOptions {
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { ...own, ...clients, ...withoutResumption, minVersion };
}

/** Gives renewed texts to a server, for its next handshakes. Call the returned function to end that. */
export function followRenewals(server: TlsServer, tls: ServerTls | Renewable<ServerTls>): () => void {
  if (!isRenewable(tls)) return () => undefined;
  return tls.subscribe((texts) => server.setSecureContext(tlsServerOptions(texts)));
}
