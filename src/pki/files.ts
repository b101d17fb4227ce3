import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { type Authority, createAuthority, loadAuthority } from './authority.js';
import {
  type CertificateSet,
  type CertificateSetOptions,
  createCertificateSet,
  kubeletLeaf,
  leafRequests,
  roleNames,
} from './certificate-set.js';
import { checkKeyPair, checkValidity, type KeyPair, parseCertificates } from './key-pair.js';
import { exists, readText, type TextFile, writeFilesAtomically } from './text-files.js';

/** Where a pair lies, or is to lie. */
export interface PairPaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** The paths of one pair in a certificate directory: `DIR/NAME.crt` and `DIR/NAME.key`. */
export function pairPaths(directory: string, name: string): PairPaths {
  return { certPath: join(directory, `${name}.crt`), keyPath: join(directory, `${name}.key`) };
}

export interface WriteOptions extends Omit<CertificateSetOptions, 'authority'> {
  /** Replaces leaves that are there already. The CA is kept even then, so that whoever trusts it goes on doing so. */
  readonly force?: boolean;
}

/**
 * Fills `directory` (made with mode 0700) with a set: `ca`, the leaves of `roleLeaves` and one `kubelet-NODE` for each
 * node, keys with mode 0600. A CA that is there is used again. Writes all files or none.
 *
 * Rejects with FILE_UNWRITABLE (also when a leaf exists and `force` is off), FILE_UNREADABLE, CERT_INVALID or
 * CONFIG_INVALID.
 */
export async function writeCertificateDirectory(
  directory: string,
  options: WriteOptions = {},
): Promise<CertificateSet> {
  const names = [...leafRequests(options).keys()];
  if (options.force !== true) await refuseExisting(directory, names);
  const existing = await existingAuthority(directory);
  const set = await createCertificateSet({ ...options, authority: existing ?? (await createAuthority()) });
  const pairs: [string, KeyPair][] = [...Object.entries(set.leaves)];
  for (const [node, pair] of set.kubelets) pairs.push([kubeletLeaf(node), pair]);
  if (existing === undefined) pairs.push(['ca', set.ca]);
  await writeFilesAtomically(
    directory,
    pairs.flatMap(([name, pair]) => pairFiles(directory, name, pair)),
  );
  return set;
}

function pairFiles(directory: string, name: string, pair: KeyPair): TextFile[] {
  const { certPath, keyPath } = pairPaths(directory, name);
  return [
    { path: keyPath, text: pair.keyPem, mode: 0o600 },
    { path: certPath, text: pair.certPem, mode: 0o644 },
  ];
}

async function refuseExisting(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { certPath, keyPath } = pairPaths(directory, name);
    for (const path of [certPath, keyPath]) {
      if (!(await exists(path))) continue;
      const hint = 'Choose another folder, or replace the certificates with --force.';
      throw new TunnelError('FILE_UNWRITABLE', `${path}: exists already`, { where: path, hint });
    }
  }
}

async function existingAuthority(directory: string): Promise<Authority | undefined> {
  const { certPath, keyPath } = pairPaths(directory, 'ca');
  if (!(await exists(certPath)) && !(await exists(keyPath))) return undefined;
  return loadAuthority(await readPairText({ certPath, keyPath }), { certName: certPath, keyName: keyPath });
}

/**
 * Reads and checks a certificate (or chain) and its key. Rejects with FILE_UNREADABLE or CERT_INVALID; the text names
 * the file and what is wrong: missing, not PEM, of another key, expired.
 */
export async function readKeyPair(paths: PairPaths): Promise<KeyPair> {
  const pair = await readPairText(paths);
  checkKeyPair(pair, { certName: paths.certPath, keyName: paths.keyPath });
  return pair;
}

async function readPairText({ certPath, keyPath }: PairPaths): Promise<KeyPair> {
  const [certPem, keyPem] = await Promise.all([readText(certPath), readText(keyPath)]);
  return { certPem, keyPem };
}

/** Reads a CA file, which may hold several certificates. At least one must be valid now. Errors as `readKeyPair`. */
export async function readTrustedCertificates(path: string): Promise<string> {
  const pem = await readText(path);
  const failures: unknown[] = [];
  for (const certificate of parseCertificates(pem, path)) {
    try {
      checkValidity(certificate, path);
      return pem;
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw failures[0];
}

/**
 * Reads back what `writeCertificateDirectory` wrote, with the kubelets of `nodeNames`. Errors as `readKeyPair`; a leaf
 * of another CA is CERT_INVALID too.
 */
export async function readCertificateDirectory(
  directory: string,
  nodeNames: readonly string[] = [],
): Promise<CertificateSet> {
  const { certPath, keyPath } = pairPaths(directory, 'ca');
  const names = { certName: certPath, keyName: keyPath };
  const ca = await loadAuthority(await readPairText({ certPath, keyPath }), names);
  const read = async (name: string): Promise<KeyPair> => {
    const paths = pairPaths(directory, name);
    const pair = await readKeyPair(paths);
    checkIssuer(pair, paths.certPath, { pem: ca.certPem, path: certPath });
    return pair;
  };
  const [leaves, kubelets] = await Promise.all([
    Promise.all(roleNames().map(async (name) => [name, await read(name)] as const)),
    Promise.all(nodeNames.map(async (node) => [node, await read(kubeletLeaf(node))] as const)),
  ]);
  return { ca, leaves: Object.fromEntries(leaves) as CertificateSet['leaves'], kubelets: new Map(kubelets) };
}

function checkIssuer(pair: KeyPair, path: string, ca: { pem: string; path: string }): void {
  const [leaf] = parseCertificates(pair.certPem, path);
  const [issuer] = parseCertificates(ca.pem, ca.path);
  if (leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)) return;
  throw new TunnelError('CERT_INVALID', `${path}: not issued by ${ca.path}`, { where: path });
}
