import { randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  bitString,
  boolean,
  type Der,
  explicit,
  implicit,
  octetString,
  oid,
  sequence,
  set,
  time,
  unsigned,
  utf8String,
} from './der.js';
import { keyIdentifier, type SigningKey, signBytes } from './signing-key.js';
import { type AlternativeName, type KeyUsage, keyPurposes, type NamePart, type Validity } from './subject.js';

/** The content of a certificate, without its signature. */
export interface CertificateContent {
  /** Name, as DER. */
  readonly issuer: Der;
  readonly subject: Der;
  readonly validity: Validity;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Der;
  readonly extensions: readonly Der[];
}

/** Writes and signs a version 3 certificate (RFC 5280, 4.1) and returns it as PEM. */
export function writeCertificate(wanted: CertificateContent, signer: SigningKey): string {
  const { issuer, subject, validity, publicKey, extensions } = wanted;
  const toBeSigned = sequence(
    explicit(0, unsigned(Buffer.from([2]))),
    unsigned(serialNumber()),
    signer.algorithm,
    issuer,
    sequence(time(validity.notBefore), time(validity.notAfter)),
    subject,
    publicKey,
    explicit(3, sequence(...extensions)),
  );
  return pem(sequence(toBeSigned, signer.algorithm, bitString(signBytes(signer, toBeSigned))));
}

/** 16 random bytes, positive and not zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function pem(der: Der): string {
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

const nameTypes: Readonly<Record<NamePart['type'], string>> = { O: '2.5.4.10', CN: '2.5.4.3' };

export function writeName(parts: readonly NamePart[]): Der {
  return sequence(...parts.map(({ type, text }) => set(sequence(oid(nameTypes[type]), utf8String(text)))));
}

function extension(identifier: string, critical: boolean, value: Der): Der {
  return sequence(oid(identifier), ...(critical ? [boolean(true)] : []), octetString(value));
}

export const basicConstraints = (ca: boolean): Der =>
  extension('2.5.29.19', true, sequence(...(ca ? [boolean(true)] : [])));

/** digitalSignature. */
export const leafKeyUsage: Der = extension('2.5.29.15', true, bitString(Buffer.from([0x80]), 7));
/** keyCertSign and cRLSign. */
export const authorityKeyUsage: Der = extension('2.5.29.15', true, bitString(Buffer.from([0x06]), 1));

export const subjectKeyIdentifier = (key: Der): Der =>
  extension('2.5.29.14', false, octetString(keyIdentifier(key)));

export const authorityKeyIdentifier = (identifier: Uint8Array): Der =>
  extension('2.5.29.35', false, sequence(implicit(0, identifier)));

export const extendedKeyUsage = (usages: readonly KeyUsage[]): Der =>
  extension('2.5.29.37', false, sequence(...usages.map((usage) => oid(keyPurposes[usage]))));

export const subjectAlternativeNames = (names: readonly AlternativeName[]): Der =>
  extension('2.5.29.17', false, sequence(...names.map(writeAlternativeName)));

function writeAlternativeName({ type, value }: AlternativeName): Der {
  return type === 'dns' ? implicit(2, Buffer.from(value)) : implicit(7, addressBytes(value));
}

/** An address as 4 or 16 bytes. The caller has checked it. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser accepts every spelling of IPv6 and returns one.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : []);
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const bytes = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('');
  return Buffer.from(bytes, 'hex');
}
