import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { TunnelError } from '../../core/errors.js';
import { isObject, type JsonObject } from '../resources/json.js';

/** Signs and checks JSON Web Tokens (RFC 7519) with one key. */
export interface JwtKey {
  sign(claims: JsonObject): string;
  /** The claims; undefined for an invalid token or one that this key did not sign. Expiry is not checked. */
  verify(token: string): JsonObject | undefined;
}

/** kube-apiserver's algorithms: ES256 for P-256 keys, RS256 for RSA keys. */
type Algorithm = 'ES256' | 'RS256';

/** From a private key as PEM (P-256 or RSA); a new P-256 key when absent. Throws CERT_INVALID. */
export function createJwtKey(privateKeyPem?: string): JwtKey {
  const privateKey = privateKeyPem === undefined ? freshKey() : readKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const algorithm: Algorithm = privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  const header = encode({ alg: algorithm, kid: keyId, typ: 'JWT' });
  const options = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const });
  return {
    sign(claims) {
      const signed = `${header}.${encode(claims)}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), options(privateKey)).toString('base64url')}`;
    },
    verify(token) {
      const [head = '', claims = '', signature = '', ...rest] = token.split('.');
      if (signature === '' || rest.length > 0) return undefined;
      // The header must not choose how the token is checked.
      if (decode(head)?.['alg'] !== algorithm) return undefined;
      const bytes = Buffer.from(signature, 'base64url');
      const good = verify('sha256', Buffer.from(`${head}.${claims}`), options(publicKey), bytes);
      return good ? decode(claims) : undefined;
    },
  };
}

function freshKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (caught) {
    throw TunnelError.from(caught, 'CERT_INVALID', 'service account signing key');
  }
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The claims of a token, unchecked; undefined for an invalid token. */
export function unverifiedClaims(token: string): JsonObject | undefined {
  const parts = token.split('.');
  return parts.length === 3 ? decode(parts[1] ?? '') : undefined;
}

function decode(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
