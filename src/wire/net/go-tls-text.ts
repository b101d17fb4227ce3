import { isIP } from 'node:net';
import { goAlertText } from '../../core/go-texts.js';

/** What Go says before the reason for which a certificate is refused. */
export const unverifiedText = 'tls: failed to verify certificate';

const distrusted = `${unverifiedText}: x509: certificate signed by unknown authority`;
const outOfTime = `${unverifiedText}: x509: certificate has expired or is not yet valid`;

const textsByCode: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: distrusted,
  UNABLE_TO_GET_ISSUER_CERT: distrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: distrusted,
  SELF_SIGNED_CERT_IN_CHAIN: distrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: distrusted,
  CERT_SIGNATURE_FAILURE: distrusted,
  CERT_HAS_EXPIRED: outOfTime,
  CERT_NOT_YET_VALID: outOfTime,
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls: first record does not look like a TLS handshake',
  ERR_SSL_UNEXPECTED_MESSAGE: 'tls: first record does not look like a TLS handshake',
};

/** What Go says of a failed handshake with `host` that Node identifies by a code; undefined for others. */
export function goTlsText(error: Error & { readonly code?: unknown }, host: string): string | undefined {
  const { code } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return nameMismatch(error, host);
  return typeof code === 'string' ? (textsByCode[code] ?? goAlertText(code)) : undefined;
}

/** A host that is an address is compared with addresses alone, and a name with names. */
function nameMismatch(error: Error, host: string): string {
  const { subjectaltname = '' } = 'cert' in error ? (error.cert as { subjectaltname?: string }) : {};
  const kind = isIP(host) === 0 ? 'DNS:' : 'IP Address:';
  const names = subjectaltname
    .split(', ')
    .filter((entry) => entry.startsWith(kind))
    .map((entry) => shortAddress(entry.slice(kind.length)));
  const text = `${unverifiedText}: x509:`;
  if (names.length > 0) return `${text} certificate is valid for ${names.join(', ')}, not ${host}`;
  return isIP(host) === 0
    ? `${text} certificate is not valid for any names, but wanted to match ${host}`
    : `${text} cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
}

/** Node writes IPv6 addresses in full. */
function shortAddress(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
}
