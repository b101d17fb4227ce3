import { createHash, type KeyObject, webcrypto } from 'node:crypto';
import { TunnelError } from '../core/errors.js';

type CryptoKeyPair = webcrypto.CryptoKeyPair;
type CryptoKey = webcrypto.CryptoKey;

/** How a key signs, in the words of Web Crypto. */
export type SigningAlgorithm =
  | { readonly name: 'ECDSA'; readonly namedCurve: string; readonly hash: string }
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly hash: string };

/** A private key ready to sign, and how. */
export interface SigningKey {
  readonly key: CryptoKey;
  readonly algorithm: SigningAlgorithm;
}

/** ECDSA on P-256: understood by every TLS stack, and made in under a millisecond. */
export const p256 = {
  name: 'ECDSA',
  namedCurve: 'P-256',
  hash: 'SHA-256',
} as const satisfies SigningAlgorithm;

/** Makes a fresh P-256 key pair that may be exported. */
export function generateKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

/** Writes a private key as PKCS #8 PEM. */
export async function exportKeyPem(key: CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  // Wrapped here because a round through KeyObject costs more than making the key.
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END PRIVATE KEY-----\n`;
}

/** The usual subject key identifier in hex: SHA-1 over the bits of the public key (RFC 5280, 4.2.1.2, method 1). */
export async function keyIdentifier(publicKey: CryptoKey): Promise<string> {
  const point = Buffer.from(await webcrypto.subtle.exportKey('raw', publicKey));
  return createHash('sha1').update(point).digest('hex');
}

/** Takes over somebody's CA key: EC on a NIST curve or RSA, else CERT_INVALID. */
export async function importSigningKey(key: KeyObject, name: string): Promise<SigningKey> {
  const algorithm = algorithmOf(key, name);
  const der = key.export({ type: 'pkcs8', format: 'der' }) as Buffer;
  return { key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), algorithm };
}

const curves: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: p256,
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
};

function algorithmOf(key: KeyObject, name: string): SigningAlgorithm {
  const type = key.asymmetricKeyType;
  if (type === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = type === 'ec' ? curves[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
  if (curve !== undefined) return curve;
  throw new TunnelError('CERT_INVALID', `${name}: cannot sign with a key of type ${type ?? 'unknown'}`, {
    where: name,
    hint: 'Use an RSA key, or an EC key on P-256, P-384 or P-521.',
  });
}
