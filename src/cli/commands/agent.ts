import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { Agent } from '../../agent/agent.js';
import { agentDefaults } from '../../agent/options.js';
import { type PodSegmentOptions, podAddresses, podSegment } from '../../agent/pod-segment.js';
import { joinHostPort, splitHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import {
  agentIdRule,
  isAgentId,
  parseAgentIdentifiers,
  unknownIdentifierType,
} from '../../core/identifiers.js';
import { createNodeNetwork, type NodeNetwork } from '../../links/node-network.js';
import { kubeletLeaf } from '../../pki/certificate-set.js';
import { agentOptions, type ServerFlags } from '../agent-options.js';
import { sayDirect } from '../direct-dial.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { commonOptions, type RoleFlags, runRole, tlsUser } from '../role.js';
import { asOption, type BehaviourFlags, faithfulOption, headerText, option } from '../values.js';

interface AgentFlags extends RoleFlags, BehaviourFlags, ServerFlags {
  readonly agentId?: string;
  readonly agentIdentifiers: string;
  readonly nodeAddress?: readonly NodeAddress[];
  readonly podNetwork?: readonly PodNetwork[];
}

/** `konnsim agent`: a node agent alone. */
export function agentCommand(invocation: Invocation): Command {
  return new Command('agent')
    .description('run a node agent alone: it dials out to the proxy-server and dials endpoints for it')
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(agentOptions.proxyServerHost())
    .addOption(agentOptions.proxyServerPort())
    .addOption(
      option('--agent-id <id>', 'default: PROXY_AGENT_ID, else a random UUID').argParser(parseAgentId),
    )
    .addOption(
      option(
        '--agent-identifiers <query>',
        'addresses and names that it serves, such as ipv4=10.0.1.11&host=node-1',
      )
        .argParser(parseIdentifiers)
        .default(''),
    )
    .addOption(
      option(
        '--node-address <map>',
        '10.0.1.11:10250=127.0.0.1:10250: an address that only this agent knows; may be given several times',
      ).argParser(collectNodeAddresses),
    )
    .addOption(
      option(
        '--pod-network <map>',
        "10.244.1.0/24=node-1:10260: the addresses of a node's pods, which it serves, and its kubelet's --pod-port; may be given several times",
      ).argParser(collectPodNetworks),
    )
    .addOption(agentOptions.healthServerHost())
    .addOption(agentOptions.healthServerPort())
    .addOption(agentOptions.keepaliveTime())
    .addOption(agentOptions.syncForever())
    .addOption(commonOptions.packets())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addOption(asOption())
    .addOption(faithfulOption(['agent']))
    .addHelpText(
      'after',
      examples(
        "konnsim agent --certs certs --agent-id node-1 --agent-identifiers 'ipv4=10.0.1.11&host=node-1' \\",
        '  --node-address 10.0.1.11:10250=127.0.0.1:10250',
      ),
    )
    .action(async (flags: AgentFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: AgentFlags): Promise<number> {
  const agentId = flags.agentId ?? idOfEnvironment() ?? randomUUID();
  sayDirect('the proxy-server', flags.proxyServerHost, flags.proxyServerPort);
  return runRole(flags, async (context, started) => {
    const useTls = tlsUser(flags, context, { node: `agent/${agentId}`, started });
    const network = nodeNetwork(flags, context.clock);
    const { podNetwork = [] } = flags;
    if (podNetwork.length > 0) {
      // Any kubelet's CA is the one of all kubelets. Its name is checked.
      const tls = await useTls('agent', { peer: kubeletLeaf('') });
      const common = { tls, clock: context.clock, nodeAddresses: ownAddresses(flags), onTrouble: sayOnce() };
      for (const pods of podNetwork) network.addSegment(podSegment({ ...common, ...pods }));
    }
    const agent = new Agent({
      ...agentDefaults,
      ...context,
      name: agentId,
      agentId,
      identifiers: withPods(flags),
      server: joinHostPort(flags.proxyServerHost, flags.proxyServerPort),
      tls: await useTls('agent'),
      connectEndpoint: (host, port, options) => network.connect(host, port, options),
      syncForever: flags.syncForever ?? false,
      keepaliveTimeMs: flags.keepaliveTime,
      as: flags.as,
      faithful: flags.faithful,
      health: { host: flags.healthServerHost, port: flags.healthServerPort },
    });
    started(() => agent.stop());
    await agent.start();
    return [`health ${agent.healthAddress ?? ''}`];
  });
}

/** The addresses of `--node-address`. A host among the agent's identifiers resolves to its address there. */
function nodeNetwork({ nodeAddress = [], agentIdentifiers }: AgentFlags, clock: Clock): NodeNetwork {
  const network = createNodeNetwork({ clock });
  for (const { node, real } of nodeAddress) network.register(node.host, node.port, real);
  const identifiers = parseAgentIdentifiers(agentIdentifiers);
  if ('fault' in identifiers) return network;
  const [own] = ownAddresses({ nodeAddress, agentIdentifiers });
  if (own !== undefined) for (const name of identifiers.host) network.addName(name, own);
  return network;
}

/** The agent's identifiers that are addresses only it knows: those of its node. */
function ownAddresses({
  nodeAddress = [],
  agentIdentifiers,
}: Pick<AgentFlags, 'nodeAddress' | 'agentIdentifiers'>): readonly string[] {
  const identifiers = parseAgentIdentifiers(agentIdentifiers);
  if ('fault' in identifiers) return [];
  return identifiers.ipv4.filter((ip) => nodeAddress.some(({ node }) => node.host === ip));
}

/** Writes each text to stderr the first time. */
function sayOnce(): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (!said.has(text)) process.stderr.write(`${text}\n`);
    said.add(text);
  };
}

/** Servers compare whole addresses, so each address of a pod is an identifier. */
function withPods({ agentIdentifiers, podNetwork = [] }: AgentFlags): string {
  const pods = podNetwork.flatMap(({ cidr }) => podAddresses(cidr)).map((ip) => `ipv4=${ip}`);
  return [agentIdentifiers, ...pods].filter((part) => part !== '').join('&');
}

type PodNetwork = Pick<PodSegmentOptions, 'cidr' | 'door'>;

function collectPodNetworks(text: string, soFar: readonly PodNetwork[] = []): readonly PodNetwork[] {
  return [...soFar, ...text.split(',').map(parsePodNetwork)];
}

function parsePodNetwork(text: string): PodNetwork {
  const [cidr = '', door = '', more] = text.split('=');
  const address = splitHostPort(door);
  if (podAddresses(cidr).length === 0 || address === undefined || more !== undefined) {
    throw new InvalidArgumentError(`"${text}" is not CIDR=HOST:PORT with an IPv4 range of 24 to 32 bits.`);
  }
  return { cidr, door: address };
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** An address that only this agent knows, and its real address. */
interface NodeAddress {
  readonly node: HostPort;
  readonly real: HostPort;
}

function collectNodeAddresses(text: string, soFar: readonly NodeAddress[] | undefined): NodeAddress[] {
  return [...(soFar ?? []), ...text.split(',').map(parseNodeAddress)];
}

function parseNodeAddress(text: string): NodeAddress {
  const [node, real, more] = text.split('=').map((part) => splitHostPort(part));
  if (node !== undefined && real !== undefined && more === undefined) return { node, real };
  throw new InvalidArgumentError(`"${text}" is not NODE_IP:PORT=REAL_HOST:PORT.`);
}

function parseAgentId(text: string): string {
  if (isAgentId(text)) return headerText(text);
  throw new InvalidArgumentError(`expected ${agentIdRule} of printable ASCII, got ${text.length}.`);
}

/** Reads PROXY_AGENT_ID. An empty variable counts as missing. Throws USAGE for an ID that servers refuse. */
function idOfEnvironment(): string | undefined {
  const text = process.env['PROXY_AGENT_ID'] ?? '';
  if (text === '' || isAgentId(text)) return text === '' ? undefined : text;
  throw new TunnelError(
    'USAGE',
    `PROXY_AGENT_ID: expected ${agentIdRule} of printable ASCII, got ${text.length}`,
  );
}

function parseIdentifiers(text: string): string {
  const unknown = unknownIdentifierType(text);
  if (unknown !== undefined) throw new InvalidArgumentError(`unknown address type: ${unknown}`);
  const parsed = parseAgentIdentifiers(text);
  if ('fault' in parsed) throw new InvalidArgumentError(parsed.fault);
  return headerText(text);
}
