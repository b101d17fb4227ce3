import { webcrypto } from 'node:crypto';

type X509Library = typeof import('@peculiar/x509');

/** Node types its crypto objects apart from the DOM's; the library is typed against the latter. */
export const crypto = webcrypto as unknown as NonNullable<
  Parameters<X509Library['X509CertificateGenerator']['create']>[1]
>;

/**
 * Loads the certificate writer at first use: its import costs about a tenth of a second, which whoever only reads
 * certificates must not pay. It needs the reflection shim in place before its own modules run.
 */
export async function loadX509(): Promise<X509Library> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
