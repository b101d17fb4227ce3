import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import type { StrategyName } from '../../core/strategy.js';
import { defaultKeepaliveTimeMs, defaultStrategies } from '../../server/options.js';
import { startProxyServer } from '../../server/server.js';
import type { GrpcEndpoint } from '../../wire/net/secure-listener.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { commonOptions, type RoleFlags, runRole, tlsUser, type UseTls } from '../role.js';
import {
  asOption,
  type BehaviourFlags,
  durationMs,
  faithfulOption,
  headerText,
  option,
  portNumber,
  socketPath,
  strategyList,
  wholeNumber,
} from '../values.js';

interface ServerFlags extends RoleFlags, BehaviourFlags {
  readonly udsName?: string;
  readonly serverPort?: number;
  readonly bindAddress: string;
  readonly agentPort: number;
  readonly healthPort: number;
  readonly serverId?: string;
  readonly serverCount: number;
  readonly proxyStrategies: readonly StrategyName[];
  readonly backendDialTimeout?: number;
  readonly keepaliveTime: number;
}

/** `konnsim server`: a proxy-server alone. */
export function serverCommand(invocation: Invocation): Command {
  return new Command('server')
    .description(
      'run a proxy-server alone: frontends on a Unix socket or an mTLS port, agents on an mTLS port',
    )
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('--uds-name <path>', 'Unix socket for frontends').argParser(socketPath))
    .addOption(option('--server-port <port>', 'mTLS port for frontends').argParser(portNumber))
    .addOption(option('--bind-address <address>', 'where all ports listen').default('127.0.0.1'))
    .addOption(option('--agent-port <port>', 'mTLS port for agents').argParser(portNumber).default(8091))
    .addOption(
      option('--health-port <port>', '/healthz, /readyz, /metrics').argParser(portNumber).default(8092),
    )
    .addOption(
      option(
        '--server-id <id>',
        'ID by which agents tell servers apart; default PROXY_SERVER_ID, else a random UUID',
      ).argParser(headerText),
    )
    .addOption(
      option('--server-count <number>', 'number of servers that agents shall connect to')
        .argParser(wholeNumber(1, 1000))
        .default(1),
    )
    .addOption(
      option('--proxy-strategies <list>', 'default, destHost, defaultRoute, tried in order')
        .argParser(strategyList)
        .default(defaultStrategies, defaultStrategies.join(',')),
    )
    .addOption(
      option(
        '--backend-dial-timeout <duration>',
        'time limit of a dial; 0 means no limit; default 0, and 20s with --as ideal',
      )
        // Empty when an unset variable is passed on.
        .argParser((text) => (text === '' ? undefined : durationMs(text))),
    )
    .addOption(
      option('--keepalive-time <duration>', 'idle time before a ping')
        .argParser(durationMs)
        .default(defaultKeepaliveTimeMs, '30s'),
    )
    .addOption(commonOptions.packets())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addOption(asOption())
    .addOption(faithfulOption(['server']))
    .addHelpText(
      'after',
      examples(
        'konnsim server --certs certs --uds-name /tmp/konnsim.sock',
        'konnsim server --certs certs --server-port 8090 --agent-port 0',
      ),
    )
    .action(async (flags: ServerFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: ServerFlags): Promise<number> {
  const host = flags.bindAddress;
  const serverId = flags.serverId ?? process.env['PROXY_SERVER_ID'] ?? randomUUID();
  return runRole(flags, async (context, started) => {
    const useTls = tlsUser(flags, context, { node: `server/${serverId}`, started });
    const server = await startProxyServer({
      ...context,
      name: serverId,
      serverId,
      serverCount: flags.serverCount,
      frontends: await frontends(flags, useTls),
      agents: { kind: 'tcp', host, port: flags.agentPort, tls: await useTls('server') },
      health: { host, port: flags.healthPort },
      strategies: flags.proxyStrategies,
      ...(flags.backendDialTimeout !== undefined && { backendDialTimeoutMs: flags.backendDialTimeout }),
      keepaliveTimeMs: flags.keepaliveTime,
      as: flags.as,
      faithful: flags.faithful,
    });
    // As Konnectivity's server; a second signal ends it at once.
    started(async () => {
      const { frontends } = server.snapshot();
      const waits = `waiting for the end of ${frontends} open requests; a second signal ends the server at once\n`;
      if (frontends > 0) process.stderr.write(waits);
      await server.finish(0);
    });
    return [
      ...server.frontendAddresses.map((address) => `frontends ${address}`),
      `agents ${server.agentAddress}`,
      `health ${server.healthAddress}`,
    ];
  });
}

async function frontends(
  { udsName, serverPort, bindAddress }: ServerFlags,
  useTls: UseTls,
): Promise<GrpcEndpoint[]> {
  const found: GrpcEndpoint[] = [];
  if (udsName !== undefined) found.push({ kind: 'unix', path: udsName });
  if (serverPort !== undefined) {
    const tls = await useTls('server-frontend');
    found.push({ kind: 'tcp', host: bindAddress, port: serverPort, tls });
  }
  if (found.length > 0) return found;
  throw new TunnelError(
    'USAGE',
    'a proxy-server needs --uds-name or --server-port, so that frontends can connect',
  );
}
