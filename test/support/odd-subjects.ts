import type { Authority } from '../../src/pki/authority.js';
import {
  basicConstraints,
  extendedKeyUsage,
  leafKeyUsage,
  writeCertificate,
  writeName,
} from '../../src/pki/certificate-writer.js';
import type { KeyPair } from '../../src/pki/key-pair.js';
import { parsePrivateKey } from '../../src/pki/key-pair.js';
import { exportKeyPem, generateKeys, signingKey } from '../../src/pki/signing-key.js';
import { type NamePart, subjectOf, validityOf } from '../../src/pki/subject.js';

/** A client's certificate with a subject that an `Authority` does not issue: without a name, or with several. */
export async function issueWithSubject(
  ca: Authority,
  caName: string,
  subject: readonly NamePart[],
): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeys();
  const certPem = writeCertificate(
    {
      issuer: writeName(subjectOf(caName)),
      subject: writeName(subject),
      validity: validityOf({}, 1),
      publicKey,
      extensions: [basicConstraints(false), leafKeyUsage, extendedKeyUsage(['client'])],
    },
    signingKey(parsePrivateKey(ca.keyPem, 'CA key'), 'CA key'),
  );
  return { certPem, keyPem: exportKeyPem(privateKey) };
}
