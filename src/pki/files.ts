import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';
import { type Authority, loadAuthority } from './authority.js';
import {
  type Authorities,
  type AuthorityName,
  authorityNames,
  authorityOf,
  type CertificateSet,
  type CertificateSetOptions,
  createCertificateSet,
  kubeletLeaf,
  leafRequests,
  roleNames,
  usagesOf,
} from './certificate-set.js';
import { checkKeyPair, checkValidity, type KeyPair, parseCertificates } from './key-pair.js';
import { readText } from './read-files.js';
import type { KeyUsage } from './subject.js';
import { exists, type TextFile, writeFilesAtomically } from './text-files.js';

export interface PairPaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** The paths of one pair in a certificate directory: `DIR/NAME.crt` and `DIR/NAME.key`. */
export function pairPaths(directory: string, name: string): PairPaths {
  return { certPath: join(directory, `${name}.crt`), keyPath: join(directory, `${name}.key`) };
}

export interface WriteOptions extends Omit<CertificateSetOptions, 'authorities'> {
  /** Replaces existing leaves. CAs are kept also then, so that they are still trusted. */
  readonly force?: boolean;
}

/**
 * Fills `directory` (created with mode 0700) with a set: the CAs of `authorityNames`, the leaves of `roleLeaves` and
 * one `kubelet-NODE` for each node, keys with mode 0600. Existing CAs are used again. Writes all files or no file.
 *
 * Rejects with FILE_UNWRITABLE (also when a leaf exists and `force` is off), FILE_UNREADABLE, CERT_INVALID or
 * CONFIG_INVALID.
 */
export async function writeCertificateDirectory(
  directory: string,
  options: WriteOptions = {},
): Promise<CertificateSet> {
  if (options.force !== true) await refuseExisting(directory, [...leafRequests(options).keys()]);
  const existing = await existingAuthorities(directory);
  const set = await createCertificateSet({ ...options, authorities: existing });
  const pairs = [
    ...Object.entries(set.authorities).filter(([name]) => !(name in existing)),
    ...leafPairs(set),
  ];
  await writeFilesAtomically(
    directory,
    pairs.flatMap(([name, pair]) => pairFiles(directory, name, pair)),
  );
  return set;
}

export function leafPairs({ leaves, kubelets }: CertificateSet): [string, KeyPair][] {
  const nodes = [...kubelets].map(([node, pair]): [string, KeyPair] => [kubeletLeaf(node), pair]);
  return [...Object.entries(leaves), ...nodes];
}

export function pairFiles(directory: string, name: string, pair: KeyPair): TextFile[] {
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

const names = Object.keys(authorityNames) as AuthorityName[];

async function existingAuthorities(directory: string): Promise<Partial<Authorities>> {
  const found = await inTurn(
    names,
    async (name) => [name, await existingAuthority(directory, name)] as const,
  );
  return Object.fromEntries(found.filter(([, authority]) => authority !== undefined));
}

/** One after the other, so that of several faults it is always the first that is told. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

async function existingAuthority(directory: string, name: AuthorityName): Promise<Authority | undefined> {
  const { certPath, keyPath } = pairPaths(directory, name);
  if (!(await exists(certPath)) && !(await exists(keyPath))) return undefined;
  return readAuthority(directory, name);
}

async function readAuthority(directory: string, name: AuthorityName): Promise<Authority> {
  const paths = pairPaths(directory, name);
  return loadAuthority(await readPairText(paths), { certName: paths.certPath, keyName: paths.keyPath });
}

/**
 * Reads and checks a certificate (or chain) and its key. Rejects with FILE_UNREADABLE or CERT_INVALID. The text names
 * the file and the fault: missing, not PEM, of another key, expired, not for one of `usages`.
 */
export async function readKeyPair(paths: PairPaths, usages: readonly KeyUsage[] = []): Promise<KeyPair> {
  const pair = await readPairText(paths);
  checkKeyPair(pair, { certName: paths.certPath, keyName: paths.keyPath, usages });
  return pair;
}

async function readPairText({ certPath, keyPath }: PairPaths): Promise<KeyPair> {
  const certPem = await readText(certPath);
  return { certPem, keyPem: await readText(keyPath) };
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

/** Reads `writeCertificateDirectory`'s files. Errors as `readKeyPair`; a leaf of another CA is CERT_INVALID, too. */
export async function readCertificateDirectory(
  directory: string,
  nodeNames: readonly string[] = [],
): Promise<CertificateSet> {
  const loaded = await inTurn(names, async (name) => [name, await readAuthority(directory, name)] as const);
  const authorities = Object.fromEntries(loaded) as Authorities;
  const read = async (name: string): Promise<KeyPair> => {
    const paths = pairPaths(directory, name);
    const pair = await readKeyPair(paths, usagesOf(name));
    const authority = authorityOf(name);
    const { certPath: path } = pairPaths(directory, authority);
    checkIssuer(pair, paths.certPath, { pem: authorities[authority].certPem, path });
    return pair;
  };
  const leaves = await inTurn(roleNames(), async (name) => [name, await read(name)] as const);
  const kubelets = await inTurn(nodeNames, async (node) => [node, await read(kubeletLeaf(node))] as const);
  return {
    authorities,
    ca: authorities.ca,
    kubelets: new Map(kubelets),
    leaves: Object.fromEntries(leaves) as CertificateSet['leaves'],
  };
}

function checkIssuer(pair: KeyPair, path: string, ca: { pem: string; path: string }): void {
  const [leaf] = parseCertificates(pair.certPem, path);
  const [issuer] = parseCertificates(ca.pem, ca.path);
  if (leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)) return;
  throw new TunnelError('CERT_INVALID', `${path}: not issued by ${ca.path}`, { where: path });
}
