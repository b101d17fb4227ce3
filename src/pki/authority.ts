import { X509Certificate as ParsedCertificate } from 'node:crypto';
import type { Extension, X509Certificate } from '@peculiar/x509';
import { TunnelError } from '../core/errors.js';
import { checkKeyPair, type KeyPair, parsePrivateKey } from './key-pair.js';
import {
  exportKeyPem,
  generateKeys,
  importSigningKey,
  keyIdentifier,
  p256,
  type SigningKey,
} from './signing-key.js';
import { alternativeNames, type LeafRequest, subjectOf, validityOf } from './subject.js';
import { crypto, loadX509 } from './x509-library.js';

/** A certificate authority: its own pair, and the power to issue leaves. */
export interface Authority extends KeyPair {
  /** Issues a leaf with a fresh P-256 key. Calls may run in parallel. Rejects with CONFIG_INVALID for a bad request. */
  issue(request: LeafRequest): Promise<KeyPair>;
}

export interface AuthorityOptions {
  /** Default `konnectivity-sim-ca`. */
  readonly commonName?: string;
  /** Default ten years. */
  readonly validDays?: number;
}

const caDays = 3650;
const leafDays = 365;

/** Makes a new self-signed authority. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: new x509.Name(subjectOf(options.commonName ?? 'konnectivity-sim-ca')),
      ...validityOf({ validDays: options.validDays }, caDays),
      signingAlgorithm: p256,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.SubjectKeyIdentifierExtension(await keyIdentifier(keys.publicKey)),
      ],
    },
    crypto,
  );
  const pair = { certPem: pemOf(certificate), keyPem: await exportKeyPem(keys.privateKey) };
  const issuer = await createIssuer(certificate, { key: keys.privateKey, algorithm: p256 });
  return { ...pair, issue: (request) => issueLeaf(issuer, request) };
}

/** Takes over an existing authority. Rejects with CERT_INVALID when the pair is damaged, expired or no CA. */
export async function loadAuthority(
  pair: KeyPair,
  names = { certName: 'CA certificate', keyName: 'CA key' },
): Promise<Authority> {
  if (!checkKeyPair(pair, names).ca) {
    throw new TunnelError('CERT_INVALID', `${names.certName}: not a CA certificate`, {
      where: names.certName,
    });
  }
  const signer = await importSigningKey(parsePrivateKey(pair.keyPem, names.keyName), names.keyName);
  const { X509Certificate } = await loadX509();
  const certificate = new X509Certificate(new ParsedCertificate(pair.certPem).raw);
  const issuer = await createIssuer(certificate, signer);
  return { ...pair, issue: (request) => issueLeaf(issuer, request) };
}

interface Issuer {
  readonly certificate: X509Certificate;
  readonly signer: SigningKey;
  /** Those that every leaf has. */
  readonly extensions: readonly Extension[];
}

async function createIssuer(certificate: X509Certificate, signer: SigningKey): Promise<Issuer> {
  const x509 = await loadX509();
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    await x509.AuthorityKeyIdentifierExtension.create(certificate, false, crypto),
  ];
  return { certificate, signer, extensions };
}

async function issueLeaf(issuer: Issuer, request: LeafRequest): Promise<KeyPair> {
  const x509 = await loadX509();
  const names = alternativeNames(request);
  const subject = new x509.Name(subjectOf(request.commonName, request.organizations));
  const validity = validityOf(request, leafDays);
  const purposes = request.usages.map(
    (usage) => x509.ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth'],
  );
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer.certificate.subjectName,
      ...validity,
      publicKey: keys.publicKey,
      signingKey: issuer.signer.key,
      signingAlgorithm: issuer.signer.algorithm,
      extensions: [
        ...issuer.extensions,
        new x509.ExtendedKeyUsageExtension(purposes),
        new x509.SubjectKeyIdentifierExtension(await keyIdentifier(keys.publicKey)),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])]),
      ],
    },
    crypto,
  );
  return { certPem: pemOf(certificate), keyPem: await exportKeyPem(keys.privateKey) };
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
