import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { Agent } from '../../agent/agent.js';
import { agentDefaults } from '../../agent/options.js';
import { joinHostPort, splitHostPort } from '../../core/address.js';
import { unknownIdentifierType } from '../../core/identifiers.js';
import { createNodeNetwork } from '../../links/node-network.js';
import type { CommandEnd } from '../main.js';
import { createRoleGround, type RoleFlags, readTls, untilSignalled } from '../role.js';
import { collect, durationMs, option, portNumber } from '../values.js';

interface AgentFlags extends RoleFlags {
  readonly proxyServerHost: string;
  readonly proxyServerPort: number;
  readonly agentId?: string;
  readonly agentIdentifiers: string;
  readonly nodeAddress?: readonly string[];
  readonly healthServerHost: string;
  readonly healthServerPort: number;
  readonly keepaliveTime: number;
  readonly syncForever?: boolean;
}

/** `konnsim agent`: a node agent alone. */
export function agentCommand(end: CommandEnd): Command {
  return new Command('agent')
    .description('run a node agent alone: it dials out to the proxy-server and dials endpoints for it')
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('--proxy-server-host <host>', 'host of the proxy-server').default('127.0.0.1'))
    .addOption(
      option('--proxy-server-port <port>', 'its port for agents').argParser(portNumber).default(8091),
    )
    .addOption(option('--agent-id <id>', 'default: PROXY_AGENT_ID, else a random UUID'))
    .addOption(
      option('--agent-identifiers <query>', 'what it stands for, such as ipv4=10.0.1.11&host=node-1')
        .argParser(parseIdentifiers)
        .default(''),
    )
    .addOption(
      option(
        '--node-address <map>',
        '10.0.1.11:10250=127.0.0.1:10250: an address that exists only here; repeatable',
      ).argParser(collect),
    )
    .addOption(option('--health-server-host <host>', 'where /healthz listens').default('127.0.0.1'))
    .addOption(
      option('--health-server-port <port>', 'its port, 0 for a free one').argParser(portNumber).default(8093),
    )
    .addOption(
      option('--keepalive-time <duration>', 'idle time before a ping; Go servers cut agents below 30s')
        .argParser(durationMs)
        .default(agentDefaults.keepaliveTimeMs, '30s'),
    )
    .addOption(option('--sync-forever', 'go on looking for servers'))
    .option('--packets', 'print every packet, too')
    .action(async (flags: AgentFlags) => {
      end.exitCode = await run(flags);
    });
}

async function run(flags: AgentFlags): Promise<number> {
  const ground = createRoleGround(flags);
  const agentId = flags.agentId ?? process.env['PROXY_AGENT_ID'] ?? randomUUID();
  const network = createNodeNetwork({ clock: ground.clock });
  for (const map of flags.nodeAddress ?? []) {
    const [node, real] = parseNodeAddress(map);
    network.register(node.host, node.port, real);
  }
  const agent = new Agent({
    ...agentDefaults,
    ...ground,
    name: agentId,
    agentId,
    identifiers: flags.agentIdentifiers,
    server: joinHostPort(flags.proxyServerHost, flags.proxyServerPort),
    tls: await readTls(flags.certs, 'agent'),
    connectEndpoint: (host, port, options) => network.connect(host, port, options),
    syncForever: flags.syncForever ?? false,
    keepaliveTimeMs: flags.keepaliveTime,
    health: { host: flags.healthServerHost, port: flags.healthServerPort },
  });
  agent.start();
  return untilSignalled(async () => agent.stop());
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}

function parseNodeAddress(text: string): readonly [HostPort, HostPort] {
  const [node, real] = text.split('=').map((part) => splitHostPort(part));
  if (node !== undefined && real !== undefined) return [node, real];
  throw new InvalidArgumentError(`"${text}" is no NODE_IP:PORT=REAL_HOST:PORT`);
}

function parseIdentifiers(text: string): string {
  const unknown = unknownIdentifierType(text);
  if (unknown === undefined) return text;
  throw new InvalidArgumentError(`unknown address type: ${unknown}`);
}
