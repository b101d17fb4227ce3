import { DEFAULT_CIPHERS, type SecureVersion } from 'node:tls';
import { goQuote } from '../flags/go-quote.js';
import type { ParseResult } from '../flags/parse-result.js';

/** Options of node:tls for `--tls-min-version` and `--cipher-suites`. */
export interface TlsLimits {
  readonly minVersion: SecureVersion;
  /** Cipher suites as an OpenSSL list. Absent for Node's list. */
  readonly ciphers?: string;
}

const versions: Readonly<Record<string, SecureVersion>> = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** Suites of TLS 1.3 are always on: Go and Konnectivity cannot turn them off. */
const modernSuites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** Go's secure suites of TLS 1.2 and below by their names there. */
const openSslNames: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
};

/** The names that `--cipher-suites` takes. */
export const cipherSuiteNames: readonly string[] = [...modernSuites, ...Object.keys(openSslNames)];

export function readTlsVersion(name: string): ParseResult<SecureVersion> {
  const version = versions[name === '' ? 'VersionTLS12' : name];
  if (version !== undefined) return { value: version };
  const known = Object.keys(versions).join(', ');
  return { fault: `unsupported TLS version ${goQuote(name)}, supported values are: ${known}` };
}

/** Warnings about `--tls-min-version`, for the log. */
export function tlsVersionWarnings(name: string): string[] {
  if (name !== 'VersionTLS10' && name !== 'VersionTLS11') return [];
  return [`--tls-min-version=${name} is below TLS 1.2 and is considered insecure (RFC 8996)`];
}

/** The fault of the first suite that Go does not know or calls insecure, as a validation text. */
export function cipherSuiteFault(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !cipherSuiteNames.includes(name));
  if (unknown === undefined) return undefined;
  return `cipher suite ${unknown} not supported, doesn't exist or considered as insecure`;
}

/** Both valid flags as options of node:tls. */
export function tlsLimits(minVersion: SecureVersion, suites: readonly string[]): TlsLimits {
  const old = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  if (suites.length === 0 && !old) return { minVersion };
  const chosen = [...modernSuites, ...suites.flatMap((name) => openSslNames[name] ?? [])].join(':');
  const ciphers = suites.length === 0 ? DEFAULT_CIPHERS : chosen;
  // OpenSSL 3 does not sign handshakes below TLS 1.2 at its usual security level.
  return { minVersion, ciphers: old ? `${ciphers}:@SECLEVEL=0` : ciphers };
}
