import { randomInt } from 'node:crypto';
import { Agent } from '../../agent/agent.js';
import { type AgentOptions, agentDefaults } from '../../agent/options.js';
import type { ServerCountOptions } from '../../agent/server-count.js';
import { tokenMetadata } from '../../agent/service-account-token.js';
import { joinHostPort } from '../../core/address.js';
import { type Clock, createRealClock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { createRandom } from '../../core/random.js';
import type { KubeClient } from '../../kube/kube-client.js';
import { goDial } from '../../links/go-dial.js';
import { type HttpProxy, proxyFor } from '../../wire/net/proxy-environment.js';
import { TlsFilesGroup } from '../../wire/net/tls-files-group.js';
import { startAgentAdmin } from '../admin-server.js';
import { behaviourFrom } from '../behaviour-variables.js';
import { type Klog, packetVerbosity } from '../klog.js';
import { openKubeApi } from '../kube-api.js';
import { runProgram, type Surroundings } from '../program.js';
import { namedFiles, readClientTls } from '../tls-texts.js';
import { agentGuide } from './agent-flags.js';
import type { AgentFlagValues } from './agent-options.js';
import { parseAgentFlags } from './parse-agent-flags.js';

const { name } = agentGuide;

/** `proxy-agent`: reads its flags and runs until the second signal. Resolves with the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram({ name, outcome: parseAgentFlags(argv, process.env), run });
}

async function run(flags: AgentFlagValues, { log, signals }: Surroundings): Promise<number> {
  const proxy = proxyOf(flags, log);
  const clock = createRealClock();
  const kube =
    flags.serverCount.leases === undefined
      ? undefined
      : await openKubeApi(flags, name, { clock, signal: signals.first, log });
  const files = new TlsFilesGroup({ node: `agent/${flags.agentId}`, clock, emit: log.event });
  try {
    const tls = await files.use(namedFiles(flags.tls), () => readClientTls(flags.tls));
    const agent = new Agent(agentOptions(flags, log, { clock, tls, kube, proxy }));
    await runAgent(agent, { ...flags, clock }, { log, signals });
  } finally {
    await kube?.close();
    await files.close();
  }
  return 0;
}

async function runAgent(
  agent: Agent,
  { admin: on, health, clock }: AgentFlagValues & { readonly clock: Clock },
  { log, signals }: Surroundings,
): Promise<void> {
  await agent.start();
  try {
    const admin = await startAgentAdmin({ ...on, clock }, health.port);
    try {
      log.say('I', `Received first signal: ${await signals.next()}`);
      agent.drain();
      log.say('I', `Received second signal: ${await signals.next()}`);
    } finally {
      await admin.close();
    }
  } finally {
    await agent.stop();
  }
}

interface Context extends Pick<AgentOptions, 'clock' | 'tls' | 'proxy'> {
  /** Absent when leases are not counted. */
  readonly kube: KubeClient | undefined;
}

function agentOptions(flags: AgentFlagValues, log: Klog, { clock, tls, kube, proxy }: Context): AgentOptions {
  const { agentId, identifiers, server, tokenFile, health, syncForever } = flags;
  return {
    ...agentDefaults,
    name: agentId,
    agentId,
    identifiers,
    health,
    syncForever,
    clock,
    server: joinHostPort(server.host, server.port),
    tls,
    proxy,
    alpnProtocols: flags.alpnProtocols,
    probeIntervalMs: flags.probeIntervalMs,
    ...(tokenFile === undefined ? {} : { metadata: tokenMetadata(tokenFile) }),
    serverCount: serverCountOptions(flags, kube),
    connectEndpoint: (host, port, options) => goDial(host, port, { ...options, clock }),
    sync: { intervalMs: flags.syncIntervalMs, capMs: flags.syncIntervalCapMs },
    keepaliveTimeMs: keepalive(flags.keepaliveTimeMs),
    random: createRandom(randomInt(2 ** 32)),
    emit: log.event,
    ...behaviourFrom(process.env, 'agent'),
    packetEvents: flags.verbosity >= packetVerbosity,
  };
}

function serverCountOptions(
  { serverCount: { source, leases } }: AgentFlagValues,
  client: KubeClient | undefined,
): ServerCountOptions {
  return client === undefined || leases === undefined
    ? { source }
    : { source, leases: { ...leases, client } };
}

const minKeepaliveMs = 10_000;

/** As in grpc-go: 0 means no pings, and other values are at least 10 s. */
function keepalive(timeMs: number): number {
  return timeMs === 0 ? 0 : Math.max(timeMs, minKeepaliveMs);
}

/**
 * The proxy of the environment, as a Go program reads it: once. Throws CONFIG_INVALID when it names none that could be
 * dialled: a released agent dials such a value and fails, or for a few goes past the proxy.
 */
function proxyOf({ server: { host, port } }: AgentFlagValues, log: Klog): HttpProxy | undefined {
  const proxy = proxyFor(process.env, host, port);
  if (proxy === undefined) return undefined;
  if (proxy === 'invalid') {
    // The value may have a password.
    throw new TunnelError('CONFIG_INVALID', 'HTTPS_PROXY does not name a proxy that could be dialled', {
      hint: 'It is http://USER:PASSWORD@HOST:PORT, with / ? # % and blanks of a password as %2F %3F %23 %25 %20.',
    });
  }
  log.say('I', `Proxy detected: ${joinHostPort(host, port)} is dialled through ${proxy.address}`);
  return proxy;
}
