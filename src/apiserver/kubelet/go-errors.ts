import { TunnelError } from '../../core/errors.js';

/** Go's texts for the TLS and HTTP failures that Node identifies by code. */
const textsByCode: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT:
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN:
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  CERT_SIGNATURE_FAILURE: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  CERT_HAS_EXPIRED: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls: first record does not look like a TLS handshake',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'remote error: tls: certificate required',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'remote error: tls: unknown certificate authority',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'remote error: tls: bad certificate',
  ECONNRESET: 'EOF',
  EPIPE: 'write: broken pipe',
};

/** The text after `Get "URL": ` for a failed request to a kubelet, in a Go client's words. */
export function goErrorText(caught: unknown, host: string): string {
  if (caught instanceof TunnelError) return caught.message;
  if (!(caught instanceof Error)) return String(caught);
  const code = 'code' in caught && typeof caught.code === 'string' ? caught.code : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return nameMismatch(caught, host);
  if (code === 'ECONNRESET' && 'syscall' in caught) return 'read: connection reset by peer';
  return textsByCode[code] ?? caught.message;
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
