import { randomInt } from 'node:crypto';
import { createRealClock } from '../../core/clock.js';
import { createRandom } from '../../core/random.js';
import type { FrontendEndpoint, ProxyServerOptions } from '../../server/options.js';
import { type ProxyServer, startProxyServer } from '../../server/server.js';
import { startServerAdmin } from '../admin-server.js';
import { refusals } from '../common-flags.js';
import { type Klog, packetVerbosity } from '../klog.js';
import { refusal, runProgram, type Surroundings } from '../program.js';
import { readServerTls } from '../tls-texts.js';
import { parseServerFlags } from './parse-server-flags.js';
import { serverGuide } from './server-flags.js';
import type { ServerFlagValues } from './server-options.js';

const { name } = serverGuide;

/** `proxy-server`: reads its flags and runs until a signal. Resolves with the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram({ name, outcome: parseServerFlags(argv, process.env), run });
}

async function run(flags: ServerFlagValues, surroundings: Surroundings): Promise<number> {
  refuseWhatIsMissing(flags);
  const server = await startProxyServer(await serverOptions(flags, surroundings.log));
  try {
    await serveUntilSignal(server, flags, surroundings);
  } finally {
    await server.stop();
  }
  return 0;
}

async function serveUntilSignal(
  server: ProxyServer,
  { admin, gracefulShutdownTimeoutMs }: ServerFlagValues,
  { log, signals }: Surroundings,
): Promise<void> {
  const adminServer = await startServerAdmin(admin, server.metrics);
  try {
    await signals.next();
  } finally {
    await adminServer.close();
  }
  log.say('I', 'Shutting down server.');
  void signals.next().then(() => process.exit(1));
  await server.finish(gracefulShutdownTimeoutMs);
}

function refuseWhatIsMissing({ agentTokens, lease }: ServerFlagValues): void {
  if (agentTokens !== undefined) throw refusal(name, 'agent-namespace', refusals.tokens);
  if (lease !== undefined) throw refusal(name, 'enable-lease-controller', refusals.leases);
}

async function serverOptions(flags: ServerFlagValues, log: Klog): Promise<ProxyServerOptions> {
  const { serverId, serverCount, agents, health, strategies, backendDialTimeoutMs } = flags;
  const agentTls = await readServerTls(agents.tls, { cert: 'cluster-cert', key: 'cluster-key' });
  return {
    ...{ name: serverId, serverId, serverCount, health, strategies, backendDialTimeoutMs },
    frontends: [await frontendEndpoint(flags)],
    agents: { ...agents, kind: 'tcp', tls: { ...agentTls, ...flags.tlsLimits } },
    keepaliveTimeMs: keepalive(flags.keepaliveTimeMs),
    frontendKeepaliveTimeMs: keepalive(flags.frontendKeepaliveTimeMs),
    clock: createRealClock(),
    random: createRandom(randomInt(2 ** 32)),
    emit: log.event,
    packetEvents: flags.verbosity >= packetVerbosity,
  };
}

/** Owner and group, as Konnectivity's umask 0007 leaves it. */
const socketMode = 0o770;

async function frontendEndpoint({ mode, frontend, tlsLimits }: ServerFlagValues): Promise<FrontendEndpoint> {
  if (frontend.kind === 'unix') {
    const existing = frontend.deleteExisting ? 'replace' : 'refuse';
    return { kind: 'unix', path: frontend.path, mode: socketMode, existing, protocol: mode };
  }
  const { host, port } = frontend;
  const tls = await readServerTls(frontend.tls, { cert: 'server-cert', key: 'server-key' });
  return { kind: 'tcp', host, port, tls: { ...tls, ...tlsLimits }, protocol: mode };
}

const shortestKeepaliveMs = 1000;
const usualKeepaliveMs = 7_200_000;

/** As grpc-go: 0 stands for two hours, and nothing is below a second. */
function keepalive(timeMs: number): number {
  return timeMs === 0 ? usualKeepaliveMs : Math.max(timeMs, shortestKeepaliveMs);
}
