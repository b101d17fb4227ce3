import { TunnelError } from '../core/errors.js';
import { type Authority, createAuthority } from './authority.js';
import type { KeyPair } from './key-pair.js';
import type { KeyUsage, LeafRequest } from './subject.js';

/** CAs by file name. Both ends of a connection are of one CA and trust only it: others' certificates are refused. */
export const authorityNames = {
  /** The API: kube-apiserver, kubelets, and the users of both. kubeadm's name. */
  ca: 'konnectivity-sim-ca',
  /** Agents and proxy-server. */
  'agent-ca': 'konnectivity-sim-agent-ca',
  /** Frontends and proxy-server. */
  'frontend-ca': 'konnectivity-sim-frontend-ca',
  /** Admin ports, and their clients. */
  'observe-ca': 'konnectivity-sim-observe-ca',
  /** The store of several kube-apiservers. */
  'store-ca': 'konnectivity-sim-store-ca',
} as const;

/** The name of a CA, which is its file name without extension. */
export type AuthorityName = keyof typeof authorityNames;

interface RoleRequest extends LeafRequest {
  /** The CA that signs it, and that its holder trusts. */
  readonly authority: AuthorityName;
}

/**
 * Every certificate that a cluster needs beside those of its kubelets; the comments say which part shows it to which. The
 * names are the file names without extension. Where kubeadm has such a file, they are kubeadm's.
 */
export const roleLeaves = {
  /** proxy-server → agents (`--cluster-cert`). */
  server: { authority: 'agent-ca', commonName: 'konnectivity-server', usages: ['server'] },
  /** proxy-server → frontends over TCP (`--server-cert`). */
  'server-frontend': {
    authority: 'frontend-ca',
    commonName: 'konnectivity-server-frontend',
    usages: ['server'],
  },
  /** agent → proxy-server (`--agent-cert`). */
  agent: { authority: 'agent-ca', commonName: 'system:konnectivity-agent', usages: ['client'] },
  /** kube-apiserver, or another frontend → proxy-server over TCP. */
  'frontend-client': {
    authority: 'frontend-ca',
    commonName: 'system:konnectivity-frontend',
    usages: ['client'],
  },
  /** kube-apiserver → kubectl. */
  apiserver: { authority: 'ca', commonName: 'kube-apiserver', usages: ['server'] },
  /** kube-apiserver → kubelet. */
  'apiserver-kubelet-client': {
    authority: 'ca',
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['system:masters'],
    usages: ['client'],
  },
  /** The store of several kube-apiservers → them. */
  store: { authority: 'store-ca', commonName: 'konnsim-store', usages: ['server'] },
  /** kube-apiserver → store. */
  'apiserver-store-client': {
    authority: 'store-ca',
    commonName: 'kube-apiserver-store-client',
    usages: ['client'],
  },
  /** All kube-apiservers sign the tokens of service accounts with its key. */
  sa: { authority: 'ca', commonName: 'service-accounts', usages: ['client'] },
  /** kubectl → kube-apiserver. */
  admin: {
    authority: 'ca',
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usages: ['client'],
  },
  /** Every role's admin port → its clients. */
  observe: { authority: 'observe-ca', commonName: 'konnsim-observe', usages: ['server'] },
  /** Clients → admin ports. */
  observer: { authority: 'observe-ca', commonName: 'konnsim-observer', usages: ['client'] },
} as const satisfies Record<string, RoleRequest>;

/** The name of a certificate, which is its file name without extension. */
export type RoleLeaf = keyof typeof roleLeaves;

/** A node whose kubelet needs a certificate: its name and the addresses at which it is dialled. */
export interface NodeSubject {
  readonly name: string;
  readonly ipAddresses?: readonly string[];
  readonly dnsNames?: readonly string[];
}

/** A CA for each name. */
export type Authorities = Readonly<Record<AuthorityName, Authority>>;

export interface CertificateSetOptions {
  /** The CAs that issue the leaves. Missing ones are created. */
  readonly authorities?: Partial<Authorities>;
  readonly nodes?: readonly NodeSubject[];
  /** Names of proxy-server and apiserver beside localhost. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** How long every leaf is valid, in days. Default 365. */
  readonly validDays?: number;
}

/** The CAs and all leaves of one cluster, in memory. */
export interface CertificateSet {
  /** The CAs, by name. */
  readonly authorities: Authorities;
  /** The CA of the API: `authorities.ca`. */
  readonly ca: Authority;
  /** The certificates of all parts but kubelets, by name. */
  readonly leaves: Readonly<Record<RoleLeaf, KeyPair>>;
  /** The certificates of the kubelets, by node name. Each is a server and a client certificate. */
  readonly kubelets: ReadonlyMap<string, KeyPair>;
}

/** Issues a whole set, all in parallel. Rejects with CONFIG_INVALID for a malformed name or address. */
export async function createCertificateSet(options: CertificateSetOptions = {}): Promise<CertificateSet> {
  const requests = leafRequests(options);
  const authorities = await completeAuthorities(options.authorities);
  const issued = await Promise.all(
    [...requests].map(
      async ([name, request]) => [name, await authorities[authorityOf(name)].issue(request)] as const,
    ),
  );
  const byName = new Map(issued);
  const find = (name: string): KeyPair => {
    const pair = byName.get(name);
    if (pair === undefined) throw new TunnelError('INTERNAL', `no certificate was issued for ${name}`);
    return pair;
  };
  const leaves = Object.fromEntries(roleNames().map((name) => [name, find(name)])) as Record<
    RoleLeaf,
    KeyPair
  >;
  const kubelets = new Map((options.nodes ?? []).map((node) => [node.name, find(kubeletLeaf(node.name))]));
  return { authorities, ca: authorities.ca, leaves, kubelets };
}

async function completeAuthorities(given: Partial<Authorities> = {}): Promise<Authorities> {
  const names = Object.keys(authorityNames) as AuthorityName[];
  const made = names.map(
    async (name) =>
      [name, given[name] ?? (await createAuthority({ commonName: authorityNames[name] }))] as const,
  );
  return Object.fromEntries(await Promise.all(made)) as Authorities;
}

/** The CA that signs a leaf, and that its holder trusts. A name that is not a role's is a kubelet's or an API user's. */
export function authorityOf(leaf: string): AuthorityName {
  const roles: Readonly<Record<string, RoleRequest | undefined>> = roleLeaves;
  return (Object.hasOwn(roles, leaf) ? roles[leaf]?.authority : undefined) ?? 'ca';
}

/** The usages of a leaf. A name that is not a role's is a client's. */
export function usagesOf(leaf: string): readonly KeyUsage[] {
  if (Object.hasOwn(roleLeaves, leaf)) return roleLeaves[leaf as RoleLeaf].usages;
  return ['client'];
}

/** The certificate and key of a leaf, and the CA that its holder trusts, as PEM texts. */
export function leafTls(
  { authorities, leaves }: Pick<CertificateSet, 'authorities' | 'leaves'>,
  leaf: RoleLeaf,
): { readonly ca: string; readonly cert: string; readonly key: string } {
  const { certPem: cert, keyPem: key } = leaves[leaf];
  return { ca: authorities[authorityOf(leaf)].certPem, cert, key };
}

export function kubeletLeaf(nodeName: string): string {
  return `kubelet-${nodeName}`;
}

export function roleNames(): RoleLeaf[] {
  return Object.keys(roleLeaves) as RoleLeaf[];
}

/** The leaves of a set: name → request. */
export function leafRequests(options: Omit<CertificateSetOptions, 'authorities'>): Map<string, LeafRequest> {
  const life = options.validDays === undefined ? {} : { validDays: options.validDays };
  const requests = new Map<string, LeafRequest>();
  for (const name of roleNames()) {
    const { authority: _signer, ...base }: RoleRequest = roleLeaves[name];
    requests.set(
      name,
      base.usages.includes('server')
        ? { ...base, ...life, ...serverNames(name, options) }
        : { ...base, ...life },
    );
  }
  for (const node of options.nodes ?? [])
    requests.set(kubeletLeaf(node.name), { ...kubeletRequest(node), ...life });
  return requests;
}

/** What stands in one leaf of a set. Throws INTERNAL for a name without one. */
export function leafRequest(options: Omit<CertificateSetOptions, 'authorities'>, leaf: string): LeafRequest {
  const request = leafRequests(options).get(leaf);
  if (request !== undefined) return request;
  throw new TunnelError('INTERNAL', `there is no certificate ${leaf}`);
}

const apiserverNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

function serverNames(
  name: RoleLeaf,
  options: CertificateSetOptions,
): Pick<LeafRequest, 'dnsNames' | 'ipAddresses'> {
  const own = name === 'apiserver' ? apiserverNames : [];
  return { dnsNames: [...own, ...(options.dnsNames ?? [])], ipAddresses: options.ipAddresses ?? [] };
}

const nodeNamePattern = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

function kubeletRequest(node: NodeSubject): LeafRequest {
  // Also keeps a node name from leaving the certificate directory, as it becomes part of a file name.
  if (!nodeNamePattern.test(node.name)) {
    throw new TunnelError('CONFIG_INVALID', `${JSON.stringify(node.name)} is not a node name`, {
      where: 'nodes',
    });
  }
  return {
    commonName: `system:node:${node.name}`,
    organizations: ['system:nodes'],
    usages: ['server', 'client'],
    dnsNames: [node.name, ...(node.dnsNames ?? [])],
    ipAddresses: node.ipAddresses ?? [],
  };
}
