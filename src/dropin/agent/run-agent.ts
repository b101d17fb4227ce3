import { randomInt } from 'node:crypto';
import { Agent } from '../../agent/agent.js';
import { type AgentOptions, agentDefaults } from '../../agent/options.js';
import { joinHostPort } from '../../core/address.js';
import { createRealClock } from '../../core/clock.js';
import { createRandom } from '../../core/random.js';
import { goDial } from '../../links/go-dial.js';
import { startAgentAdmin } from '../admin-server.js';
import { refusals } from '../common-flags.js';
import { type Klog, packetVerbosity } from '../klog.js';
import { refusal, runProgram, type Surroundings } from '../program.js';
import { readClientTls } from '../tls-texts.js';
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
  if (flags.serverCount.leases !== undefined) throw refusal(name, 'count-server-leases', refusals.leases);
  warnOfProxies(log);
  const agent = new Agent(await agentOptions(flags, log));
  await agent.start();
  try {
    const admin = await startAgentAdmin(flags.admin, flags.health.port);
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
  return 0;
}

async function agentOptions(flags: AgentFlagValues, log: Klog): Promise<AgentOptions> {
  const clock = createRealClock();
  const { agentId, identifiers, server, tokenFile, health, syncForever } = flags;
  return {
    ...agentDefaults,
    ...{ name: agentId, agentId, identifiers, health, syncForever, clock },
    server: joinHostPort(server.host, server.port),
    tls: await readClientTls(flags.tls),
    ...(tokenFile === undefined ? {} : { metadata: tokenMetadata(tokenFile) }),
    connectEndpoint: (host, port, options) => goDial(host, port, { ...options, clock }),
    sync: { intervalMs: flags.syncIntervalMs, capMs: flags.syncIntervalCapMs },
    keepaliveTimeMs: keepalive(flags.keepaliveTimeMs),
    random: createRandom(randomInt(2 ** 32)),
    emit: log.event,
    packetEvents: flags.verbosity >= packetVerbosity,
  };
}

const shortestKeepaliveMs = 10_000;

/** As grpc-go: 0 is none, and nothing is below 10 s. */
function keepalive(timeMs: number): number {
  return timeMs === 0 ? 0 : Math.max(timeMs, shortestKeepaliveMs);
}

/** Konnectivity's agent would go through them; whoever set one should know that this one does not. */
function warnOfProxies(log: Klog): void {
  for (const variable of ['HTTPS_PROXY', 'https_proxy']) {
    if ((process.env[variable] ?? '') === '') continue;
    log.say('W', `${variable} has no effect: the proxy-server is dialled directly`);
  }
}
