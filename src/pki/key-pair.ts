import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { TunnelError } from '../core/errors.js';
import { type KeyUsage, keyPurposes } from './subject.js';

/** A certificate (or a chain, leaf first) and its private key (PKCS #8), both PEM text. */
export interface KeyPair {
  /** The certificate, or a chain with the leaf first. */
  readonly certPem: string;
  /** The private key. */
  readonly keyPem: string;
}

/** The names of certificate and key in error texts, such as their paths, and what to check. */
export interface PairNames {
  readonly certName: string;
  readonly keyName: string;
  readonly at?: Date;
  /** The usages that the certificate must allow. Default: any. */
  readonly usages?: readonly KeyUsage[];
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const keyBlock = /-----BEGIN (ENCRYPTED )?(?:RSA |EC )?PRIVATE KEY-----/;

/** All certificates of a PEM text. Throws CERT_INVALID when it has none, or when one cannot be parsed. */
export function parseCertificates(pem: string, name: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...rest] = pem.match(certificateBlock) ?? [];
  if (first === undefined)
    throw new TunnelError('CERT_INVALID', `${name}: not a PEM certificate`, { where: name });
  return [parseOne(first, name), ...rest.map((block) => parseOne(block, name))];
}

function parseOne(block: string, name: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new TunnelError('CERT_INVALID', `${name}: the certificate is damaged`, { where: name, cause });
  }
}

/** The private key of a PEM text, in any usual format. Throws CERT_INVALID when it has none. */
export function parsePrivateKey(pem: string, name: string): KeyObject {
  const block = keyBlock.exec(pem);
  if (block === null)
    throw new TunnelError('CERT_INVALID', `${name}: not a PEM private key`, { where: name });
  if (block[1] !== undefined || pem.includes('Proc-Type: 4,ENCRYPTED')) {
    throw new TunnelError('CERT_INVALID', `${name}: the private key is encrypted`, { where: name });
  }
  try {
    return createPrivateKey(pem.slice(block.index));
  } catch (cause) {
    throw new TunnelError('CERT_INVALID', `${name}: the private key is damaged`, { where: name, cause });
  }
}

/** Throws CERT_INVALID when `at` (default: now) lies outside the certificate's validity. */
export function checkValidity(certificate: X509Certificate, name: string, at = new Date()): void {
  if (at.getTime() > Date.parse(certificate.validTo)) {
    throw new TunnelError('CERT_INVALID', `${name}: expired on ${isoDay(certificate.validTo)}`, {
      where: name,
    });
  }
  if (at.getTime() < Date.parse(certificate.validFrom)) {
    throw new TunnelError('CERT_INVALID', `${name}: not valid before ${isoDay(certificate.validFrom)}`, {
      where: name,
      hint: 'Check the clock of this machine.',
    });
  }
}

function isoDay(openSslDate: string): string {
  return new Date(openSslDate).toISOString().replace('.000Z', 'Z');
}

/** Throws CERT_INVALID unless both are PEM, belong together and are valid now and for the use. Returns the leaf. */
export function checkKeyPair(pair: KeyPair, names: PairNames): X509Certificate {
  const [certificate] = parseCertificates(pair.certPem, names.certName);
  const key = parsePrivateKey(pair.keyPem, names.keyName);
  if (!certificate.checkPrivateKey(key)) {
    const message = `${names.keyName}: the key does not match the certificate ${names.certName}`;
    throw new TunnelError('CERT_INVALID', message, { where: names.keyName });
  }
  checkValidity(certificate, names.certName, names.at);
  checkUsages(certificate, names);
  return certificate;
}

/** Checked here: each peer refuses a wrong usage with another text. A certificate without usages allows all. */
function checkUsages({ keyUsage: allowed }: X509Certificate, { certName, usages = [] }: PairNames): void {
  const missing = usages.find(
    (usage) => ![keyPurposes[usage], anyPurpose].some((one) => allowed?.includes(one)),
  );
  if (allowed === undefined || missing === undefined) return;
  const message = `${certName}: the certificate is not for use as a ${missing} (extended key usage)`;
  throw new TunnelError('CERT_INVALID', message, { where: certName });
}

const anyPurpose = '2.5.29.37.0';
