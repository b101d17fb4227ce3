import { X509Certificate } from 'node:crypto';
import { joinHostPort } from '../core/address.js';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import type { FreezablePart } from '../lab/part.js';
import { namePattern } from '../links/edge.js';
import { authorityOf } from '../pki/certificate-set.js';
import type { CertificateView, Cluster, Part } from './contract.js';
import { packageVersion } from './package-version.js';

/** The whole lab. */
export function clusterOf(lab: Lab): Cluster {
  const { onEvent: _listener, ...options } = lab.options;
  const apiServer = apiServerOf(lab);
  return {
    version: packageVersion(),
    seed: lab.seed,
    timeScale: lab.timeScale,
    nowMs: lab.now,
    startedAt: lab.startedAt.toISOString(),
    seq: lab.mark(),
    // Behaviours may hold what JSON has not.
    options: JSON.parse(JSON.stringify(options)) as Record<string, unknown>,
    ...(apiServer === undefined ? {} : { apiServer }),
    nodes: lab.nodes.map(({ name, ip, kubeletPort }) => ({ name, ip, kubeletPort })),
    parts: lab.parts().map((part) => partOf(lab, part)),
    pods: lab.topology.objects.pods.map(({ metadata, spec }) => ({
      namespace: metadata.namespace,
      name: metadata.name,
      node: spec.nodeName,
      containers: spec.containers.map(({ name }) => name),
    })),
  };
}

/** One part. */
export function partOf(lab: Lab, { name, running, frozen }: FreezablePart): Part {
  const [role = ''] = name.split('/');
  const addresses = running ? addressesOf(lab, name) : [];
  return { name, role: role as Part['role'], running, frozen, addresses };
}

/** A part by its name, or by its number: `server/1`. Throws NODE_NOT_FOUND. */
export function findPart(lab: Lab, role: string, name: string): FreezablePart {
  const isOne = name.includes('*') ? () => false : namePattern(`${role}/${name}`);
  const found = lab.parts().find((part) => isOne(part.name));
  return found ?? lab.part(`${role}/${name}`);
}

function addressesOf(lab: Lab, name: string): string[] {
  const [role = '', own = ''] = name.split('/');
  if (role === 'server') {
    const frontends = lab.frontendAddresses[numberOf(own) - 1];
    return [...(frontends === undefined ? [] : [frontends]), lab.agentAddress];
  }
  if (role === 'kubelet') {
    const node = lab.nodes.find((one) => one.name === own);
    return node === undefined ? [] : [joinHostPort(node.ip, node.kubeletPort)];
  }
  return role === 'apiserver' ? [lab.apiserver(own === 'main' ? 1 : numberOf(own)).url] : [];
}

const numberOf = (name: string): number => Number(name.split('-').at(-1));

function apiServerOf(lab: Lab): string | undefined {
  try {
    return lab.apiServerUrl;
  } catch (error) {
    if (TunnelError.from(error).code === 'NOT_READY') return undefined;
    throw error;
  }
}

/** All certificates, without their keys. */
export function certificatesOf(lab: Lab): CertificateView[] {
  const { authorities, leaves, kubelets } = lab.certificates;
  const cas = Object.entries(authorities).map(([name, { certPem }]) => view(name, name, certPem));
  const own = Object.entries(leaves).map(([name, { certPem }]) => view(name, authorityOf(name), certPem));
  const nodes = [...kubelets].map(([node, { certPem }]) => view(`kubelet-${node}`, 'ca', certPem));
  return [...cas, ...own, ...nodes];
}

function view(name: string, authority: string, pem: string): CertificateView {
  const { subject, subjectAltName = '', validFrom, validTo, fingerprint256 } = new X509Certificate(pem);
  const iso = (text: string): string => new Date(text).toISOString();
  return {
    ...{ name, authority, subject: subject.replaceAll('\n', ', '), names: subjectAltName },
    ...{ notBefore: iso(validFrom), notAfter: iso(validTo), sha256: fingerprint256 },
  };
}
