import { agentKeepalivePolicy } from '../../core/keepalive-policy.js';
import { durationText } from '../../dropin/flags/go-duration.js';
import { knows, type Program } from './programs.js';
import { eachAgent, eachProgram, eachServer, type Rule, type Setup } from './rule.js';

const flag = 'keepalive-time';
const limitMs = agentKeepalivePolicy.minTimeMs;
/** Most balancers and cloud networks forget idle connections after 60 s to 350 s. */
const usualIdleMs = 300_000;
/** grpc-go takes shorter times of clients for this one. */
const shortestClientMs = 10_000;
/** And 0 of servers for two hours. */
const longestServerMs = 7_200_000;

/** Pings, and the timers of what stands between agents and servers. */
export const keepaliveRules: readonly Rule[] = [
  {
    id: 'ping-too-often',
    severity: 'error',
    finds: 'An agent pings more often than every 30 s.',
    why: 'Servers accept one ping in 30 s. They cut a quiet agent with GOAWAY too_many_pings, again and again, and each time all of its connections end.',
    fix: "Set the agent's --keepalive-time to 30s.",
    evidence: "ANP#388; enforcement policy of ANP's agent port",
    check: eachAgent(flag, (agent) =>
      agent.values[flag] < limitMs
        ? `it pings every ${durationText(intervalMs(agent))}, and servers accept one ping in 30s`
        : undefined,
    ),
  },
  {
    id: 'keepalive-equals-idle-timer',
    severity: 'warning',
    finds: 'The keepalive equals the idle timer.',
    why: 'Ping and timer race, and the connection breaks now and then.',
    fix: 'Set --keepalive-time to 30s, or to half of the timer.',
    evidence: 'kubernetes/kubernetes#104109, kubermatic/kubermatic#11502',
    check: eachProgram(flag, (program, setup) =>
      setup.idleTimeoutMs > 0 && intervalMs(program) === setup.idleTimeoutMs && countsFor(program, setup)
        ? `it pings after ${durationText(intervalMs(program))}, just when the idle timer ends`
        : undefined,
    ),
  },
  {
    id: 'keepalive-above-idle-timer',
    severity: 'error',
    finds: 'The keepalive is longer than the idle timer.',
    why: 'The device forgets an idle connection before the ping comes. If it does that silently, both ends go on to believe in it, and the first command after a pause hangs.',
    fix: 'Set --keepalive-time to 30s at agents and servers.',
    evidence: 'kubernetes/kubernetes#104109, ANP#152',
    check: eachProgram(flag, (program, setup) =>
      setup.idleTimeoutMs > 0 && isSlow(program, setup) && !hasQuickPeer(program, setup)
        ? `it pings after ${ownTime(program)}, and the idle timer ends at ${durationText(setup.idleTimeoutMs)}`
        : undefined,
    ),
  },
  {
    id: 'keepalive-too-long',
    severity: 'warning',
    finds: 'The keepalive is longer than the idle timers of usual networks; the default is 1 h.',
    why: 'It does nothing against an idle timer of 60 s to 350 s, as balancers have it. A dead peer is noticed only after that time and 20 s more.',
    fix: 'Set --keepalive-time to 30s at agents and servers. --idle-timeout tells lint the timer of your network.',
    evidence: 'kubernetes/kubernetes#104109, ANP#152',
    check: eachProgram(flag, (program, setup) =>
      setup.idleTimeoutMs === 0 && isSlow(program, setup) && !hasQuickPeer(program, setup)
        ? `it pings after ${ownTime(program)}`
        : undefined,
    ),
  },
  {
    id: 'keepalive-one-sided',
    severity: 'warning',
    finds: 'Only the other side pings often.',
    why: 'Those pings keep the connection open in the network. But when it is lost, only the side that pings notices; the other one keeps a zombie. A server gives dials to it, which hang for 30 s.',
    fix: 'Set --keepalive-time to 30s on this side, too.',
    evidence: 'ANP#152, ANP#154, kubermatic/kubermatic#15062',
    check: eachProgram(flag, (program, setup) =>
      isSlow(program, setup) && hasQuickPeer(program, setup)
        ? `it pings after ${ownTime(program)}, while ${program.role === 'server' ? 'agents ping' : 'servers ping'} more often`
        : undefined,
    ),
  },
  {
    id: 'idle-timer-below-ping-limit',
    severity: 'error',
    finds: "The idle timer is not longer than the 30 s that servers want between an agent's pings.",
    why: 'No keepalive of an agent is both long enough for the server and short enough for the timer.',
    fix: "Raise the timer above 30 s, or let the servers ping: their --keepalive-time may be shorter, as agents do not limit a server's pings.",
    evidence: "enforcement policy of ANP's agent port; kubernetes/kubernetes#94301 has a balancer with 20 s",
    check: eachAgent(flag, (_agent, { idleTimeoutMs, servers }) => {
      const kept = servers.length > 0 && servers.every((server) => intervalMs(server) < idleTimeoutMs);
      return idleTimeoutMs > 0 && idleTimeoutMs <= limitMs && !kept
        ? `the idle timer of ${durationText(idleTimeoutMs)} is too short for its pings`
        : undefined;
    }),
  },
  {
    id: 'max-age-cuts-streams',
    severity: 'warning',
    finds: 'The balancer ends connections at a maximum age, also busy ones.',
    why: 'With the connection of an agent all exec sessions, logs and port-forwards through it end. Keepalives do not help, and agents that started together are cut together.',
    fix: 'Switch the maximum age off for the port of the agents.',
    evidence: 'Traefik v3 cuts at 60 s (maintenant#51)',
    check: ({ maxAgeMs }) =>
      maxAgeMs > 0
        ? [{ flag: 'max-age', text: `each connection of an agent ends after ${durationText(maxAgeMs)}` }]
        : [],
  },
  {
    id: 'frontend-keepalive-unused',
    severity: 'note',
    finds: '--frontend-keepalive-time has no effect with HTTP CONNECT.',
    why: 'It is a time of gRPC; frontends speak HTTP/1.1 in this mode.',
    fix: 'Remove it.',
    evidence: "frontends of ANP's server in mode http-connect",
    check: eachServer('frontend-keepalive-time', ({ values, given }) =>
      values.mode === 'http-connect' && given.has('frontend-keepalive-time')
        ? 'the mode is http-connect, which has no such pings'
        : undefined,
    ),
  },
];

/** The time that gRPC makes of the flag, ms. */
function intervalMs({ role, values }: Program): number {
  if (role === 'agent') return Math.max(values[flag], shortestClientMs);
  return values[flag] > 0 ? Math.max(values[flag], 1000) : longestServerMs;
}

function ownTime(program: Program): string {
  const text = durationText(intervalMs(program));
  return program.given.has(flag) ? text : `${text}, the default`;
}

/** An agent cannot ping often enough for a timer of 30 s or less: another rule tells of that. */
function countsFor({ role }: Program, { idleTimeoutMs }: Setup): boolean {
  return idleTimeoutMs > 0 && (role === 'server' || idleTimeoutMs > limitMs);
}

function longestMs(program: Program, setup: Setup): number {
  return countsFor(program, setup) ? setup.idleTimeoutMs : usualIdleMs;
}

function isSlow(program: Program, setup: Setup): boolean {
  return intervalMs(program) > longestMs(program, setup);
}

function hasQuickPeer({ role }: Program, setup: Setup): boolean {
  const peers: readonly Program[] = role === 'server' ? setup.agents : setup.servers;
  const quickMs = setup.idleTimeoutMs > 0 ? setup.idleTimeoutMs : usualIdleMs;
  return peers.some((peer) => knows(peer, flag) && intervalMs(peer) < quickMs);
}
