import { createHash, generateKeyPair, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { TunnelError } from '../core/errors.js';
import { children, content, type Der, oid, sequence } from './der.js';

/** A private key for signing, and its algorithm's name in a certificate. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** AlgorithmIdentifier. */
  readonly algorithm: Der;
}

interface Scheme {
  readonly hash: SigningKey['hash'];
  readonly algorithm: Der;
}

const ecdsa = (hash: SigningKey['hash'], identifier: string): Scheme => ({
  hash,
  algorithm: sequence(oid(identifier)),
});

const curves: Readonly<Record<string, Scheme>> = {
  prime256v1: ecdsa('sha256', '1.2.840.10045.4.3.2'),
  secp384r1: ecdsa('sha384', '1.2.840.10045.4.3.3'),
  secp521r1: ecdsa('sha512', '1.2.840.10045.4.3.4'),
};

/** sha256WithRSAEncryption; its parameters are NULL. */
const rsa: Scheme = {
  hash: 'sha256',
  algorithm: sequence(oid('1.2.840.113549.1.1.11'), Buffer.from([0x05, 0x00])),
};

export interface FreshKeys {
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Der;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

/** Creates a P-256 key pair. Every TLS stack accepts it, and it needs less than a millisecond. */
export async function generateKeys(): Promise<FreshKeys> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'prime256v1' });
  return { publicKey: publicKeyInfo(publicKey), privateKey };
}

/** The same at once: for a single pair the time does not matter. */
export function generateKeysNow(): FreshKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { publicKey: publicKeyInfo(publicKey), privateKey };
}

/** Writes a private key as PKCS #8 PEM. */
export function exportKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** SubjectPublicKeyInfo. */
export function publicKeyInfo(key: KeyObject): Der {
  return key.export({ type: 'spki', format: 'der' });
}

/** The usual subject key identifier: SHA-1 over the bits of the public key (RFC 5280, 4.2.1.2, method 1). */
export function keyIdentifier(publicKey: Der): Buffer {
  const [, bits] = children(publicKey);
  if (bits === undefined) throw new TunnelError('INTERNAL', 'a public key without bits');
  // The first byte of a BIT STRING counts its unused bits.
  return createHash('sha1').update(content(bits).subarray(1)).digest();
}

/** Loads a key for signing: EC on a NIST curve, or RSA. Throws CERT_INVALID for others. */
export function signingKey(key: KeyObject, name: string): SigningKey {
  const type = key.asymmetricKeyType;
  const scheme = type === 'rsa' ? rsa : curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (scheme !== undefined) return { key, ...scheme };
  throw new TunnelError('CERT_INVALID', `${name}: cannot sign with a key of type ${type ?? 'unknown'}`, {
    where: name,
    hint: 'Use an RSA key, or an EC key on P-256, P-384 or P-521.',
  });
}

/** The signature of `bytes`, in the format of a certificate. */
export function signBytes({ key, hash }: SigningKey, bytes: Uint8Array): Buffer {
  return sign(hash, bytes, key);
}
