import { TunnelError } from '../../core/errors.js';
import type { KubeletTls } from '../../kubelet-stub/tls-port.js';
import { createAuthority } from '../../pki/authority.js';
import { kubeletLeaf } from '../../pki/certificate-set.js';
import { type PairPaths, readKeyPair, readTrustedCertificates } from '../../pki/files.js';
import type { KeyUsage } from '../../pki/subject.js';
import type { ClientTls, Renewable, TlsFiles } from '../../wire/net/tls.js';
import { TlsFilesGroup } from '../../wire/net/tls-files-group.js';
import { asKubeletTls } from '../kubelet-options.js';
import { type RoleContext, type RoleFlags, readTls, type Started, tlsUser } from '../role.js';

export interface NodeTlsFlags extends RoleFlags {
  readonly caCert?: string;
  readonly agentCert?: string;
  readonly agentKey?: string;
  readonly clientCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
}

/** The certificates of all nodes of a process. */
export interface NodeTls {
  /** All agents show the same one, and share its TLS context. */
  readonly agent: Renewable<ClientTls>;
  /** Rejects with FILE_UNREADABLE or CERT_INVALID. */
  readonly kubelet: (node: string) => Promise<KubeletTls | Renewable<KubeletTls>>;
}

/** Files that the flags name are followed, as are the agents' of `--certs`; its many kubelets' are read once. */
export async function nodeTls(
  flags: NodeTlsFlags,
  context: RoleContext,
  { node, started }: { readonly node: string; readonly started: Started },
): Promise<NodeTls> {
  const { certs } = flags;
  const agents = namedFiles({
    ca: ['--ca-cert', flags.caCert],
    cert: ['--agent-cert', flags.agentCert],
    key: ['--agent-key', flags.agentKey],
  });
  const kubelets = namedFiles({
    ca: ['--client-ca-file', flags.clientCaFile],
    cert: ['--tls-cert-file', flags.tlsCertFile],
    key: ['--tls-private-key-file', flags.tlsPrivateKeyFile],
  });
  const files = new TlsFilesGroup({ node, clock: context.clock, emit: context.emit });
  started(() => files.close());
  const useTls = tlsUser(flags, context, { node, started });
  return {
    agent: agents === undefined ? await useTls('agent') : await agentTls(agents, files),
    kubelet: kubelets === undefined ? (name) => ofFolder(certs, name) : await kubeletTls(kubelets, files),
  };
}

function agentTls({ ca, pair, paths }: NamedFiles, files: TlsFilesGroup): Promise<Renewable<ClientTls>> {
  return files.use<ClientTls>(paths, async () => ({
    ca: await readTrustedCertificates(ca),
    ...(pair === undefined ? {} : await readPair(pair, 'client')),
  }));
}

async function kubeletTls(
  { ca, pair, paths }: NamedFiles,
  files: TlsFilesGroup,
): Promise<NodeTls['kubelet']> {
  const own = await pairOrMade(pair);
  const shared = await files.use<TlsFiles>(paths, async () => ({
    ca: await readTrustedCertificates(ca),
    ...(await own()),
  }));
  const tls = asKubeletTls(shared);
  return async () => tls;
}

interface NamedFiles {
  readonly paths: readonly string[];
  readonly ca: string;
  readonly pair: PairPaths | undefined;
}

type NamedFile = readonly [flag: string, path: string | undefined];

/** A CA, and maybe a certificate with its key. Undefined when none is named. Throws USAGE. */
function namedFiles({
  ca,
  cert,
  key,
}: Readonly<Record<'ca' | 'cert' | 'key', NamedFile>>): NamedFiles | undefined {
  const [[caFlag, caPath], [certFlag, certPath], [keyFlag, keyPath]] = [ca, cert, key];
  if ((certPath === undefined) !== (keyPath === undefined))
    throw new TunnelError('USAGE', `${certFlag} and ${keyFlag} go together`);
  const pair = certPath === undefined || keyPath === undefined ? undefined : { certPath, keyPath };
  if (caPath === undefined) {
    if (pair === undefined) return undefined;
    throw new TunnelError('USAGE', `${certFlag} needs ${caFlag}`);
  }
  return { paths: [caPath, ...Object.values(pair ?? {})], ca: caPath, pair };
}

type PairTexts = Pick<TlsFiles, 'cert' | 'key'>;

async function readPair(paths: PairPaths, usage: KeyUsage): Promise<PairTexts> {
  const { certPem: cert, keyPem: key } = await readKeyPair(paths, [usage]);
  return { cert, key };
}

async function ofFolder(certs: string, node: string): Promise<KubeletTls> {
  try {
    const { ca: clientCa, cert, key } = await readTls(certs, kubeletLeaf(node), { usages: ['server'] });
    return { clientCa, cert, key };
  } catch (caught) {
    const { code, message, where } = TunnelError.from(caught);
    const hint =
      'Make certificates for all nodes with `konnsim certs --nodes NUMBER`, or name the CA of clients with --client-ca-file.';
    throw new TunnelError(code, message, { ...(where !== undefined && { where }), hint, cause: caught });
  }
}

/** Without files, as a kubelet does: self-signed, which a kube-apiserver does not mind unless it has a CA for kubelets. */
async function pairOrMade(pair: PairPaths | undefined): Promise<() => Promise<PairTexts>> {
  if (pair !== undefined) return () => readPair(pair, 'server');
  const authority = await createAuthority({ commonName: 'konnsim-node-ca' });
  const made = await authority.issue({ commonName: 'konnsim-node', usages: ['server'] });
  const { certPem: cert, keyPem: key } = made;
  return async () => ({ cert, key });
}
