import { Command } from 'commander';
import { defaultVersion } from '../../apiserver/serving/version.js';
import { joinHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { KubeAccess } from '../../kube/access.js';
import { KubeClient } from '../../kube/kube-client.js';
import { readKubeconfig } from '../../kube/kubeconfig.js';
import type { Node } from '../../kube/pod-objects.js';
import { startKubelet } from '../../kubelet-stub/kubelet.js';
import { openPodDoor } from '../../kubelet-stub/pod-door.js';
import { kubeletRateLimit, startPodSource } from '../../kubelet-stub/pod-source/pod-source.js';
import { createRuntime, type RuntimeKind } from '../../lab/create-runtime.js';
import { maxNodes } from '../../lab/topology.js';
import { type Readiness, startHealthServer } from '../../observe/health.js';
import type { PageServer } from '../../observe/page-server.js';
import { kubeletLeaf } from '../../pki/certificate-set.js';
import type { Renewable, TlsFiles } from '../../wire/net/tls.js';
import { sayDirect } from '../direct-dial.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { type AccessFlags, accessTo, asKubeletTls, kubeletOptions } from '../kubelet-options.js';
import {
  commonOptions,
  findNode,
  type RoleContext,
  type RoleFlags,
  runRole,
  type Started,
  standardTopology,
  tlsUser,
} from '../role.js';
import { httpsUrl, option, portNumber, wholeNumber } from '../values.js';

interface KubeletFlags extends RoleFlags, AccessFlags {
  readonly node: string;
  readonly nodes: number;
  readonly bindAddress: string;
  readonly port: number;
  readonly healthzPort?: number;
  readonly podPort?: number;
  readonly runtime: RuntimeKind;
  readonly kubeconfig?: string;
  readonly server?: URL;
}

/** `konnsim kubelet`: the kubelet of one node alone, with that node's containers. */
export function kubeletCommand(invocation: Invocation): Command {
  return new Command('kubelet')
    .description('run the kubelet stub of one node alone, with its containers')
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('--node <name>', 'the name of its node').default('node-1'))
    .addOption(
      option('--nodes <number>', 'nodes of the cluster').argParser(wholeNumber(1, maxNodes)).default(2),
    )
    .addOption(option('--bind-address <address>', 'where it listens').default('127.0.0.1'))
    .addOption(option('--port <port>', 'its port, 0 for a free one').argParser(portNumber).default(10_250))
    .addOption(
      option(
        '--healthz-port <port>',
        'port of plain /healthz and /readyz on the loopback; default: no such port',
      ).argParser(portNumber),
    )
    .addOption(
      option('--pod-port <port>', 'mTLS port of its pods, for agents; default: none').argParser(portNumber),
    )
    .addOption(kubeletOptions.runtime())
    .addOption(kubeletOptions.kubeconfig())
    .addOption(
      option(
        '--server <url>',
        "or take them from the API at this URL, with the node's certificate of --certs",
      )
        .argParser(httpsUrl)
        .conflicts('kubeconfig'),
    )
    .addOption(kubeletOptions.authorizationMode())
    .addOption(kubeletOptions.anonymousAuth())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addHelpText(
      'after',
      examples(
        'konnsim kubelet --certs certs --node node-1 --port 10250',
        'konnsim kubelet --certs certs --node node-1 --server https://127.0.0.1:6443',
      ),
    )
    .action(async (flags: KubeletFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: KubeletFlags): Promise<number> {
  return runRole(flags, async (context, started) => {
    const topology = standardTopology(flags.nodes, defaultVersion);
    const { name: nodeName } = findNode(topology, flags.node);
    const useTls = tlsUser(flags, context, { node: `kubelet/${nodeName}`, started });
    const usages = flags.server === undefined ? (['server'] as const) : (['server', 'client'] as const);
    const files = await useTls(kubeletLeaf(nodeName), { usages });
    const api = await openApi(flags, { context, started, files });
    // With an API, these pods run before it answers. Then the API decides about them and adds others.
    const pods = topology.objects.pods.filter((pod) => pod.spec.nodeName === nodeName);
    const runtime = await createRuntime(flags.runtime, { ...context, nodeName, pods });
    started(() => runtime.close());
    const kubelet = await startKubelet({
      ...context,
      nodeName,
      host: flags.bindAddress,
      port: flags.port,
      tls: asKubeletTls(files),
      runtime,
      config: { access: accessTo(flags, { api, clock: context.clock })(nodeName) },
    });
    started(() => kubelet.close());
    const lines = [`kubelet ${joinHostPort(kubelet.address.host, kubelet.address.port)}`];
    if (flags.podPort !== undefined) {
      const tls = asKubeletTls(await useTls(kubeletLeaf(nodeName), { usages, peer: 'agent' }));
      const { bindAddress: host, podPort: port } = flags;
      const door = await openPodDoor({ host, port, tls, runtime, clock: context.clock });
      started(() => door.close());
      lines.push(`pods ${joinHostPort(door.address.host, door.address.port)}`);
    }
    let ready = Promise.resolve();
    if (api !== undefined) {
      const node = nodeAt(topology.objects.nodes, nodeName, kubelet.address.port);
      const source = startPodSource({ ...context, client: api, runtime, node, now: () => Date.now() });
      started(() => source.close());
      ready = source.ready;
    }
    const health = await startHealth(flags, context.clock, ready);
    if (health === undefined) return lines;
    started(() => health.close());
    return [...lines, `health ${joinHostPort(health.host, health.port)}`];
  });
}

/** As kubelet's own port: plain HTTP without credentials, only for this machine. */
async function startHealth(
  { healthzPort: port }: KubeletFlags,
  clock: Clock,
  heardOfApi: Promise<void>,
): Promise<PageServer | undefined> {
  if (port === undefined) return undefined;
  let ok = false;
  void heardOfApi.then(() => {
    ok = true;
  });
  const ready = (): Readiness => ({ ok, text: 'the API has not sent its pods yet' });
  return startHealthServer({ host: '127.0.0.1', port, style: 'server', ready, clock });
}

interface ApiContext {
  readonly context: RoleContext;
  readonly started: Started;
  readonly files: Renewable<TlsFiles>;
}

/** The API of the flags, if any. It need not run yet. */
async function openApi(
  { kubeconfig, server, authorizationMode }: KubeletFlags,
  { context, started, files }: ApiContext,
): Promise<KubeClient | undefined> {
  const { clock } = context;
  const access =
    kubeconfig === undefined ? certificateAccess(server, files) : await readKubeconfig(kubeconfig, context);
  if (access === undefined) {
    if (authorizationMode !== 'Webhook') return undefined;
    throw new TunnelError('USAGE', '--authorization-mode Webhook needs an API: --server or --kubeconfig');
  }
  sayDirect('the Kubernetes API', access.server.hostname, Number(access.server.port || 443));
  const client = new KubeClient({ access, clock, limit: kubeletRateLimit });
  started(() => client.close());
  return client;
}

function certificateAccess(server: URL | undefined, files: Renewable<TlsFiles>): KubeAccess | undefined {
  return server === undefined ? undefined : { server, tls: () => files.current, headers: () => ({}) };
}

/** The node for the API, with the real port of its kubelet. */
function nodeAt(nodes: readonly Node[], name: string, port: number): Node {
  const node = nodes.find(({ metadata }) => metadata.name === name);
  if (node === undefined) throw new TunnelError('NODE_NOT_FOUND', `no node is called ${name}`);
  return { ...node, status: { ...node.status, daemonEndpoints: { kubeletEndpoint: { Port: port } } } };
}
