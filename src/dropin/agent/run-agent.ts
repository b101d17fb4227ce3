import { randomInt } from 'node:crypto';
import { Agent } from '../../agent/agent.js';
import { type AgentOptions, agentDefaults } from '../../agent/options.js';
import type { ServerCountOptions } from '../../agent/server-count.js';
import { joinHostPort } from '../../core/address.js';
import { type Clock, createRealClock } from '../../core/clock.js';
import { createRandom } from '../../core/random.js';
import type { KubeClient } from '../../kube/kube-client.js';
import { goDial } from '../../links/go-dial.js';
import { TlsFilesGroup } from '../../wire/net/tls-files-group.js';
import { startAgentAdmin } from '../admin-server.js';
import { behaviourFrom } from '../behaviour-variables.js';
import { type Klog, packetVerbosity } from '../klog.js';
import { openKubeApi } from '../kube-api.js';
import { runProgram, type Surroundings } from '../program.js';
import { namedFiles, readClientTls } from '../tls-texts.js';
import { agentGuide } from './agent-flags.js';
import type { AgentFlagValues } from './agent-options.js';
import { tokenMetadata } from './agent-token.js';
import { parseAgentFlags } from './parse-agent-flags.js';

const { name } = agentGuide;

/** `proxy-agent`: reads its flags and runs until the second signal. Resolves with the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram({ name, outcome: parseAgentFlags(argv, process.env), run });
}

async function run(flags: AgentFlagValues, { log, signals }: Surroundings): Promise<number> {
  warnOfProxies(log);
  const clock = createRealClock();
  const kube =
    flags.serverCount.leases === undefined
      ? undefined
      : await openKubeApi(flags, name, { clock, signal: signals.first });
  const files = new TlsFilesGroup({ node: `agent/${flags.agentId}`, clock, emit: log.event });
  try {
    const tls = await files.use(namedFiles(flags.tls), () => readClientTls(flags.tls));
    const agent = new Agent(agentOptions(flags, log, { clock, tls, kube }));
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

interface Context extends Pick<AgentOptions, 'clock' | 'tls'> {
  /** Absent when leases are not counted. */
  readonly kube: KubeClient | undefined;
}

function agentOptions(flags: AgentFlagValues, log: Klog, { clock, tls, kube }: Context): AgentOptions {
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

/** Konnectivity's agent uses these proxies. The warning says that this one does not. */
function warnOfProxies(log: Klog): void {
  for (const variable of ['HTTPS_PROXY', 'https_proxy']) {
    if ((process.env[variable] ?? '') === '') continue;
    log.say('W', `${variable} has no effect: the proxy-server is dialled directly`);
  }
}
