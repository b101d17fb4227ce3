import { Command, InvalidArgumentError } from 'commander';
import { tokenMetadata } from '../../agent/service-account-token.js';
import { defaultVersion } from '../../apiserver/serving/version.js';
import { joinHostPort } from '../../core/address.js';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import { Turns } from '../../core/turns.js';
import type { RuntimeKind } from '../../lab/create-runtime.js';
import { maxHollowNodes } from '../../lab/topology.js';
import { createNodeNetwork } from '../../links/node-network.js';
import { startHealthServer } from '../../observe/health.js';
import { agentOptions, type ServerFlags } from '../agent-options.js';
import { sayDirect } from '../direct-dial.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { type AccessFlags, accessTo, kubeletOptions } from '../kubelet-options.js';
import type { NodeCommons } from '../node/hollow-node.js';
import { openNodeApi } from '../node/node-api.js';
import { NodeGroup } from '../node/node-group.js';
import { type NodeObjectFlags, nodeSeeds, parseLabels, parseTaints } from '../node/node-objects.js';
import { type NodeTlsFlags, nodeTls } from '../node/node-tls.js';
import { commonOptions, type RoleContext, runRole, type Started, standardTopology } from '../role.js';
import { createEventPrinter } from '../terminal.js';
import { asOption, type BehaviourFlags, faithfulOption, option, someText, wholeNumber } from '../values.js';

interface NodeFlags extends NodeTlsFlags, ServerFlags, AccessFlags, NodeObjectFlags, BehaviourFlags {
  readonly count: number;
  readonly nodeNamePrefix: string;
  readonly serviceAccountTokenPath?: string;
  readonly kubeconfig?: string;
  readonly runtime: RuntimeKind;
}

/** `konnsim node`: many nodes in one process, each with an agent and a kubelet. */
export function nodeCommand(invocation: Invocation): Command {
  const command = new Command('node').description(
    'run many nodes in one process: agents with kubelets, for any proxy-server and any Kubernetes API',
  );
  addNodeOptions(command);
  addCertificateOptions(command);
  return command
    .addOption(agentOptions.proxyServerHost())
    .addOption(agentOptions.proxyServerPort())
    .addOption(agentOptions.keepaliveTime())
    .addOption(agentOptions.syncForever())
    .addOption(kubeletOptions.kubeconfig())
    .addOption(kubeletOptions.authorizationMode())
    .addOption(kubeletOptions.anonymousAuth())
    .addOption(kubeletOptions.runtime())
    .addOption(agentOptions.healthServerHost())
    .addOption(agentOptions.healthServerPort())
    .addOption(option('--events', 'print events, one per line'))
    .addOption(commonOptions.packets())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addOption(asOption())
    .addOption(faithfulOption(['agent']))
    .addHelpText(
      'after',
      examples(
        'konnsim node --count 100 --certs certs --kubeconfig kubeconfig',
        'konnsim node --count 1000 --proxy-server-host 192.0.2.7 --ca-cert ca.crt --agent-cert agent.crt \\',
        '  --agent-key agent.key --kubeconfig admin.conf --client-ca-file cluster-ca.crt',
      ),
    )
    .action(async (flags: NodeFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function addNodeOptions(command: Command): void {
  const number = wholeNumber(1, maxHollowNodes);
  command
    .addOption(
      option('--count <number>', `number of nodes, 1 to ${maxHollowNodes}`).argParser(number).default(1),
    )
    .addOption(
      option('--first-node <number>', 'number of the first one: names and addresses follow from it')
        .argParser(number)
        .default(1),
    )
    .addOption(
      option('--node-name-prefix <text>', 'nodes are called PREFIX-1, PREFIX-2 …')
        .argParser(namePrefix)
        .default('node'),
    )
    .addOption(option('--node-labels <list>', 'KEY=VALUE,…: more labels of the nodes').argParser(parseLabels))
    .addOption(
      option('--register-with-taints <list>', 'KEY=VALUE:EFFECT,…: taints of the nodes').argParser(
        parseTaints,
      ),
    );
}

function addCertificateOptions(command: Command): void {
  const file = (flags: string, text: string) => option(flags, text).argParser(someText);
  command
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(file('--ca-cert <file>', 'CA of the proxy-server; then --certs is not used for agents'))
    .addOption(file('--agent-cert <file>', 'certificate of all agents'))
    .addOption(file('--agent-key <file>', 'its key'))
    .addOption(file('--service-account-token-path <file>', 'token that all agents send at each connect'))
    .addOption(
      file(
        '--client-ca-file <file>',
        "CA of the kubelets' clients; then all kubelets have one certificate, self-signed by default",
      ),
    )
    .addOption(file('--tls-cert-file <file>', 'certificate of all kubelets'))
    .addOption(file('--tls-private-key-file <file>', 'its key'));
}

/** How many agents connect at a time, and how many nodes register at a time. */
const maxConnecting = 32;
const maxJoining = 64;

function run(flags: NodeFlags): Promise<number> {
  const { count, firstNode, nodeNamePrefix, kubeconfig } = flags;
  const last = firstNode + count - 1;
  if (last > maxHollowNodes) {
    throw new TunnelError(
      'USAGE',
      `--first-node and --count reach node ${last}; the last is ${maxHollowNodes}`,
    );
  }
  if (kubeconfig === undefined && flags.authorizationMode === 'Webhook')
    throw new TunnelError('USAGE', '--authorization-mode Webhook needs an API: --kubeconfig');
  sayDirect('the proxy-server', flags.proxyServerHost, flags.proxyServerPort);
  const names = { most: maxHollowNodes, namePrefix: nodeNamePrefix };
  return runRole({ ...flags, events: flags.events ?? false }, async (context, started) => {
    const topology = standardTopology(last, defaultVersion, names);
    const seeds = nodeSeeds(topology, flags, { pods: kubeconfig === undefined });
    const group = new NodeGroup(seeds, kubeconfig !== undefined);
    const { healthServerHost: host, healthServerPort: port } = flags;
    const { clock } = context;
    const ready = () => group.readiness();
    const health = await startHealthServer({ host, port, style: 'agent', ready, clock });
    started(() => health.close());
    const commons = await openCommons(flags, listening(context, group), started);
    started(() => group.close());
    await group.start(commons);
    const stop = group.watch(clock, createEventPrinter());
    started(async () => stop());
    const [first, ...others] = seeds.map(({ spec }) => spec.name);
    const nodes = others.length === 0 ? first : `${first} … ${others.at(-1)}`;
    return [`nodes ${nodes}`, `health ${joinHostPort(health.host, health.port)}`];
  });
}

/** The group hears of failures. */
function listening(context: RoleContext, group: NodeGroup): RoleContext {
  const emit: EventSink = (event) => {
    if (event.kind === 'agent.retry') group.failed(`${event.node}: ${event.error}`);
    if (event.kind === 'request.failed' && event.verb === 'api')
      group.failed(`${event.node}: ${event.error}`);
    context.emit(event);
  };
  return { ...context, emit };
}

async function openCommons(flags: NodeFlags, context: RoleContext, started: Started): Promise<NodeCommons> {
  const { kubeconfig, keepaliveTime: keepaliveTimeMs, syncForever = false, as, faithful } = flags;
  const { serviceAccountTokenPath: token } = flags;
  const part = { node: `node/${flags.nodeNamePrefix}`, started };
  const tls = await nodeTls(flags, context, part);
  const api = kubeconfig === undefined ? undefined : await openNodeApi(kubeconfig, context, part);
  const server = joinHostPort(flags.proxyServerHost, flags.proxyServerPort);
  return {
    context,
    tls,
    network: createNodeNetwork({ clock: context.clock }),
    runtime: flags.runtime,
    access: accessTo(flags, { api: api?.client, clock: context.clock }),
    api,
    joining: new Turns(maxJoining),
    agents: {
      ...{ server, turns: new Turns(maxConnecting), keepaliveTimeMs, syncForever, as, faithful },
      ...(token === undefined ? {} : { metadata: tokenMetadata(token) }),
    },
  };
}

/** The start of a node's name, which is a DNS label with the number behind it. */
function namePrefix(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text) && text.length <= 58) return text;
  throw new InvalidArgumentError('It must be at most 58 small letters, digits and - between them.');
}
