import { TunnelError } from '../../core/errors.js';
import { goBrokenText } from '../../core/go-texts.js';

const distrusted = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
const outOfTime = 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
const notTls = 'tls: first record does not look like a TLS handshake';

/** Go's texts for the TLS and HTTP failures that Node identifies by code. */
const textsByCode: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: distrusted,
  UNABLE_TO_GET_ISSUER_CERT: distrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: distrusted,
  SELF_SIGNED_CERT_IN_CHAIN: distrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: distrusted,
  CERT_SIGNATURE_FAILURE: distrusted,
  CERT_HAS_EXPIRED: outOfTime,
  CERT_NOT_YET_VALID: outOfTime,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_UNEXPECTED_MESSAGE: notTls,
};

/** The text after `Get "URL": ` for a failed request to a kubelet, in a Go client's words. */
export function goErrorText(caught: unknown, host: string): string {
  if (caught instanceof TunnelError) return caught.message;
  if (!(caught instanceof Error)) return String(caught);
  const code = 'code' in caught && typeof caught.code === 'string' ? caught.code : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return nameMismatch(caught, host);
  if (code === 'ECONNRESET' && !('syscall' in caught)) return 'EOF';
  return textsByCode[code] ?? goBrokenText(caught);
}

function nameMismatch(error: Error, host: string): string {
  const certificate = 'cert' in error ? (error.cert as { subjectaltname?: string }) : {};
  const names = (certificate.subjectaltname ?? '')
    .split(', ')
    .map((entry) => entry.replace(/^[^:]*:/, ''))
    .filter((entry) => entry !== '');
  const prefix = 'tls: failed to verify certificate: x509: certificate is';
  return names.length === 0
    ? `${prefix} not valid for any names, but wanted to match ${host}`
    : `${prefix} valid for ${names.join(', ')}, not ${host}`;
}
