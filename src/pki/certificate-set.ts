import { TunnelError } from '../core/errors.js';
import { type Authority, createAuthority } from './authority.js';
import type { KeyPair } from './key-pair.js';
import type { LeafRequest } from './subject.js';

/**
 * Every certificate a cluster needs beside those of its kubelets: who shows it to whom. The names are the file names
 * without extension; where kubeadm has such a file, they are kubeadm's.
 */
export const roleLeaves = {
  /** proxy-server → agents (`--cluster-cert`). */
  server: { commonName: 'konnectivity-server', usages: ['server'] },
  /** proxy-server → frontends over TCP (`--server-cert`). */
  'server-frontend': { commonName: 'konnectivity-server-frontend', usages: ['server'] },
  /** agent → proxy-server (`--agent-cert`). */
  agent: { commonName: 'system:konnectivity-agent', usages: ['client'] },
  /** kube-apiserver, or another frontend → proxy-server over TCP. */
  'frontend-client': { commonName: 'system:konnectivity-frontend', usages: ['client'] },
  /** kube-apiserver → kubectl. */
  apiserver: { commonName: 'kube-apiserver', usages: ['server'] },
  /** kube-apiserver → kubelet. */
  'apiserver-kubelet-client': {
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['system:masters'],
    usages: ['client'],
  },
  /** The store of several kube-apiservers → them. */
  store: { commonName: 'konnsim-store', usages: ['server'] },
  /** kube-apiserver → store. */
  'apiserver-store-client': { commonName: 'kube-apiserver-store-client', usages: ['client'] },
  /** Its key signs the tokens of service accounts, at all kube-apiservers. */
  sa: { commonName: 'service-accounts', usages: ['client'] },
  /** kubectl → kube-apiserver. */
  admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
  /** Every role's admin port → who watches. */
  observe: { commonName: 'konnsim-observe', usages: ['server'] },
  /** Who watches → admin ports. */
  observer: { commonName: 'konnsim-observer', usages: ['client'] },
} as const satisfies Record<string, LeafRequest>;

export type RoleLeaf = keyof typeof roleLeaves;

/** A node whose kubelet wants a certificate: its name and the addresses it is dialled by. */
export interface NodeSubject {
  readonly name: string;
  readonly ipAddresses?: readonly string[];
  readonly dnsNames?: readonly string[];
}

export interface CertificateSetOptions {
  /** Issues the leaves; a new one when absent. */
  readonly authority?: Authority;
  readonly nodes?: readonly NodeSubject[];
  /** Names that proxy-server and apiserver answer to beside localhost. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Life of every leaf in days. Default 365. */
  readonly validDays?: number;
}

/** A CA and all leaves of one cluster, in memory. */
export interface CertificateSet {
  readonly ca: Authority;
  readonly leaves: Readonly<Record<RoleLeaf, KeyPair>>;
  /** By node name. One certificate serves as the kubelet's server and client certificate. */
  readonly kubelets: ReadonlyMap<string, KeyPair>;
}

/** Issues a whole set, all leaves in parallel. Rejects with CONFIG_INVALID for a malformed name or address. */
export async function createCertificateSet(options: CertificateSetOptions = {}): Promise<CertificateSet> {
  const requests = leafRequests(options);
  const ca = options.authority ?? (await createAuthority());
  const issued = await Promise.all(
    [...requests].map(async ([name, request]) => [name, await ca.issue(request)] as const),
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
  return { ca, leaves, kubelets };
}

/** The leaf name of a node's kubelet. */
export function kubeletLeaf(nodeName: string): string {
  return `kubelet-${nodeName}`;
}

/** The fixed leaf names, typed. */
export function roleNames(): RoleLeaf[] {
  return Object.keys(roleLeaves) as RoleLeaf[];
}

/** What a set consists of: leaf name → request. */
export function leafRequests(options: Omit<CertificateSetOptions, 'authority'>): Map<string, LeafRequest> {
  const life = options.validDays === undefined ? {} : { validDays: options.validDays };
  const requests = new Map<string, LeafRequest>();
  for (const name of roleNames()) {
    const base: LeafRequest = roleLeaves[name];
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
