import { createPublicKey, X509Certificate } from 'node:crypto';
import { TunnelError } from '../core/errors.js';
import {
  authorityKeyIdentifier,
  authorityKeyUsage,
  basicConstraints,
  extendedKeyUsage,
  leafKeyUsage,
  subjectAlternativeNames,
  subjectKeyIdentifier,
  writeCertificate,
  writeName,
} from './certificate-writer.js';
import { children, type Der } from './der.js';
import { checkKeyPair, type KeyPair, parsePrivateKey } from './key-pair.js';
import {
  exportKeyPem,
  type FreshKeys,
  generateKeys,
  generateKeysNow,
  keyIdentifier,
  publicKeyInfo,
  type SigningKey,
  signingKey,
} from './signing-key.js';
import { alternativeNames, type LeafRequest, subjectOf, validityOf } from './subject.js';

/** A certificate authority: its certificate and key, and a method that issues leaves. */
export interface Authority extends KeyPair {
  /** Issues a leaf with a fresh P-256 key. Calls may run in parallel. Rejects with CONFIG_INVALID for a bad request. */
  issue(request: LeafRequest): Promise<KeyPair>;
}

export interface AuthorityOptions {
  /** Its name. Default `konnectivity-sim-ca`. */
  readonly commonName?: string;
  /** How long it is valid, days. Default ten years. */
  readonly validDays?: number;
}

const caDays = 3650;
const leafDays = 365;

/** Creates a new self-signed authority. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const name = writeName(subjectOf(options.commonName ?? 'konnectivity-sim-ca'));
  const validity = validityOf({ validDays: options.validDays }, caDays);
  const { publicKey, privateKey } = await generateKeys();
  const signer = signingKey(privateKey, 'CA key');
  const extensions = [basicConstraints(true), authorityKeyUsage, subjectKeyIdentifier(publicKey)];
  const certPem = writeCertificate({ issuer: name, subject: name, validity, publicKey, extensions }, signer);
  const issuer = { name, signer, keyIdentifier: keyIdentifier(publicKey) };
  return { certPem, keyPem: exportKeyPem(privateKey), issue: issuing(issuer) };
}

const issuing =
  (issuer: Issuer): Authority['issue'] =>
  async (request) =>
    issueLeaf(issuer, request, await generateKeys());

/** Loads an existing authority. Rejects with CERT_INVALID when the pair is damaged, expired or not a CA. */
export async function loadAuthority(
  pair: KeyPair,
  names = { certName: 'CA certificate', keyName: 'CA key' },
): Promise<Authority> {
  if (!checkKeyPair(pair, names).ca) {
    throw new TunnelError('CERT_INVALID', `${names.certName}: not a CA certificate`, {
      where: names.certName,
    });
  }
  return { ...pair, issue: issuing(issuerOf(pair, names.keyName)) };
}

/** A leaf of an authority, without waiting. Throws CONFIG_INVALID for a bad request. */
export function issueNow(authority: KeyPair, request: LeafRequest): KeyPair {
  return issueLeaf(issuerOf(authority, 'CA key'), request, generateKeysNow());
}

function issuerOf({ certPem, keyPem }: KeyPair, keyName: string): Issuer {
  const key = parsePrivateKey(keyPem, keyName);
  return {
    name: subjectBytes(new X509Certificate(certPem)),
    signer: signingKey(key, keyName),
    keyIdentifier: keyIdentifier(publicKeyInfo(createPublicKey(key))),
  };
}

/** The subject, byte for byte, because chains are built by comparing these bytes. */
function subjectBytes(certificate: X509Certificate): Der {
  const [toBeSigned] = children(certificate.raw);
  const fields = toBeSigned === undefined ? [] : children(toBeSigned);
  // Version (absent in version 1), serial number, algorithm, issuer, validity, subject.
  const subject = fields[fields[0]?.[0] === 0xa0 ? 5 : 4];
  if (subject === undefined) throw new TunnelError('CERT_INVALID', 'a certificate without a subject');
  return subject;
}

interface Issuer {
  readonly name: Der;
  readonly signer: SigningKey;
  readonly keyIdentifier: Buffer;
}

function issueLeaf(issuer: Issuer, request: LeafRequest, { publicKey, privateKey }: FreshKeys): KeyPair {
  const subject = writeName(subjectOf(request.commonName, request.organizations));
  const validity = validityOf(request, leafDays);
  const wanted = leafExtensions(request);
  const extensions = [...wanted, ...identifiers(issuer, publicKey)];
  const content = { issuer: issuer.name, subject, validity, publicKey, extensions };
  return { certPem: writeCertificate(content, issuer.signer), keyPem: exportKeyPem(privateKey) };
}

function leafExtensions(request: LeafRequest): Der[] {
  const names = alternativeNames(request);
  const always = [basicConstraints(false), leafKeyUsage, extendedKeyUsage(request.usages)];
  return names.length === 0 ? always : [...always, subjectAlternativeNames(names)];
}

function identifiers(issuer: Issuer, publicKey: Der): Der[] {
  return [authorityKeyIdentifier(issuer.keyIdentifier), subjectKeyIdentifier(publicKey)];
}
