import { expect, it } from 'vitest';
import { goTlsText } from '../../../src/wire/net/go-tls-text.js';

const names = 'DNS:node-7, IP Address:10.0.1.17, IP Address:0:0:0:0:0:0:0:1';

const mismatch = (subjectaltname: string): Error =>
  Object.assign(new Error(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', cert: { subjectaltname } });

it.each([
  [names, 'node-1', 'certificate is valid for node-7, not node-1'],
  [names, '10.0.1.11', 'certificate is valid for 10.0.1.17, ::1, not 10.0.1.11'],
  [
    'DNS:node-7',
    '10.0.1.11',
    "cannot validate certificate for 10.0.1.11 because it doesn't contain any IP SANs",
  ],
  ['', 'node-1', 'certificate is not valid for any names, but wanted to match node-1'],
])('a certificate for "%s" and the host %s: as Go says it', (subject, host, text) => {
  const said = `tls: failed to verify certificate: x509: ${text}`;
  expect(goTlsText(mismatch(subject), host)).toBe(said);
});

it('leaves errors that are not of TLS', () => {
  expect(goTlsText(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'a')).toBeUndefined();
});
