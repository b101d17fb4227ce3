import { randomInt } from 'node:crypto';
import { type Clock, createRealClock } from '../../core/clock.js';
import { createRandom } from '../../core/random.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { FrontendEndpoint, ProxyServerOptions } from '../../server/options.js';
import { type ProxyServer, startProxyServer } from '../../server/server.js';
import { TlsFilesGroup } from '../../wire/net/tls-files-group.js';
import { startServerAdmin } from '../admin-server.js';
import { behaviourFrom } from '../behaviour-variables.js';
import { type Klog, packetVerbosity } from '../klog.js';
import { openKubeApi } from '../kube-api.js';
import { runProgram, type Surroundings } from '../program.js';
import { namedFiles, readServerTls } from '../tls-texts.js';
import { parseServerFlags } from './parse-server-flags.js';
import { serverGuide } from './server-flags.js';
import type { ServerFlagValues } from './server-options.js';

const { name } = serverGuide;

/** `proxy-server`: reads its flags and runs until a signal. Resolves with the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram({ name, outcome: parseServerFlags(argv, process.env), run });
}

async function run(flags: ServerFlagValues, surroundings: Surroundings): Promise<number> {
  const clock = createRealClock();
  const needsKube = flags.agentTokens !== undefined || flags.lease !== undefined;
  const kube = needsKube
    ? await openKubeApi(flags, name, {
        ...{ clock, signal: surroundings.signals.first, log: surroundings.log },
      })
    : undefined;
  const files = new TlsFilesGroup({ node: `server/${flags.serverId}`, clock, emit: surroundings.log.event });
  try {
    const server = await startProxyServer(
      await serverOptions(flags, surroundings.log, { clock, files, kube }),
    );
    try {
      await serveUntilSignal(server, { ...flags, clock }, surroundings);
    } finally {
      await server.stop();
    }
  } finally {
    await kube?.close();
    await files.close();
  }
  return 0;
}

async function serveUntilSignal(
  server: ProxyServer,
  { admin, gracefulShutdownTimeoutMs, clock }: ServerFlagValues & { readonly clock: Clock },
  { log, signals }: Surroundings,
): Promise<void> {
  const adminServer = await startServerAdmin({ ...admin, clock }, server.metrics);
  try {
    await signals.next();
    log.say('I', 'Shutting down server.');
    void signals.next().then(() => process.exit(1));
    if (gracefulShutdownTimeoutMs > 0) await adminServer.close();
    await server.finish(gracefulShutdownTimeoutMs);
  } finally {
    await adminServer.close();
  }
}

interface Context {
  readonly clock: Clock;
  readonly files: TlsFilesGroup;
  /** Absent when no flag needs a Kubernetes API. */
  readonly kube: KubeClient | undefined;
}

async function serverOptions(
  flags: ServerFlagValues,
  log: Klog,
  { clock, files, kube }: Context,
): Promise<ProxyServerOptions> {
  const { serverId, serverCount, agents, health, strategies, backendDialTimeoutMs } = flags;
  const agentTls = await files.use(namedFiles(agents.tls), async () => ({
    ...(await readServerTls(agents.tls, { cert: 'cluster-cert', key: 'cluster-key' })),
    ...flags.tlsLimits,
  }));
  return {
    name: serverId,
    serverId,
    serverCount,
    health,
    strategies,
    backendDialTimeoutMs,
    frontends: [await frontendEndpoint(flags, files)],
    agents: { ...agents, kind: 'tcp', tls: agentTls },
    ...kubeOptions(flags, kube),
    keepaliveTimeMs: keepalive(flags.keepaliveTimeMs),
    frontendKeepaliveTimeMs: keepalive(flags.frontendKeepaliveTimeMs),
    clock,
    random: createRandom(randomInt(2 ** 32)),
    emit: log.event,
    ...behaviourFrom(process.env, 'server'),
    packetEvents: flags.verbosity >= packetVerbosity,
  };
}

function kubeOptions(
  { agentTokens, lease }: ServerFlagValues,
  client: KubeClient | undefined,
): Pick<ProxyServerOptions, 'agentTokens' | 'lease'> {
  if (client === undefined) return {};
  return {
    ...(agentTokens === undefined ? {} : { agentTokens: { ...agentTokens, client } }),
    ...(lease === undefined ? {} : { lease: { ...lease, client } }),
  };
}

/** For owner and group, as with Konnectivity's umask 0007. */
const socketMode = 0o770;

async function frontendEndpoint(
  { mode, frontend, tlsLimits }: ServerFlagValues,
  files: TlsFilesGroup,
): Promise<FrontendEndpoint> {
  if (frontend.kind === 'unix') {
    const existing = frontend.deleteExisting ? 'replace' : 'refuse';
    return { kind: 'unix', path: frontend.path, mode: socketMode, existing, protocol: mode };
  }
  const { host, port } = frontend;
  const tls = await files.use(namedFiles(frontend.tls), async () => ({
    ...(await readServerTls(frontend.tls, { cert: 'server-cert', key: 'server-key' })),
    ...tlsLimits,
  }));
  return { kind: 'tcp', host, port, tls, protocol: mode };
}

const minKeepaliveMs = 1000;
const usualKeepaliveMs = 7_200_000;

/** As in grpc-go: 0 means two hours, and other values are at least one second. */
function keepalive(timeMs: number): number {
  return timeMs === 0 ? usualKeepaliveMs : Math.max(timeMs, minKeepaliveMs);
}
