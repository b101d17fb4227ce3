import { absencesIn, type Scene, sceneOf } from './absences.js';
import { type Case, proof, unanswered } from './case.js';
import type { Cause, CauseName, Family, Found } from './cause.js';
import { mayServe } from './claims.js';
import type { Dial } from './dials.js';

/** How many agents one explanation names. */
const mostNamed = 3;

/** The agents of a case that were missing for one reason, together. */
function absent(name: CauseName): Cause['find'] {
  return (facts) => {
    const scene = sceneOf(facts);
    if (scene === undefined) return undefined;
    const all = absencesIn(scene).filter(({ cause }) => cause === name);
    if (all.length === 0) return undefined;
    const shown = all.slice(0, mostNamed);
    const rest = all.length > mostNamed ? [`The same holds for ${all.length - mostNamed} more agents.`] : [];
    const why = [...shown.map((absence) => absence.why), ...rest].join(' ');
    return { why, evidence: proof(...shown.flatMap(({ evidence }) => evidence), scene.failed) };
  };
}

/** Agents are connected, none of them fits, and none that would fit is known. */
function noCandidate(facts: Case): Found | undefined {
  const scene = sceneOf(facts);
  if (scene === undefined || absencesIn(scene).length > 0) return undefined;
  const { server, parts, host, failed } = scene;
  const { strategies } = server.started ?? {};
  const connected = [...server.backends];
  const fits = connected.map(([name]) => mayServe(strategies, parts.agents.get(name)?.claims, host));
  if (connected.length === 0 || fits.some((fit) => fit !== false)) return undefined;
  const shown = connected.slice(0, mostNamed);
  const claims = shown.map(([name]) => `${name} claims ${parts.agents.get(name)?.claims}`);
  const more = connected.length > mostNamed ? [`and ${connected.length - mostNamed} more`] : [];
  const count = `${connected.length} ${connected.length === 1 ? 'agent is' : 'agents are'} connected to ${server.name}`;
  const why = `${count}, and none fits. ${failed.tried ?? strategies}. ${[...claims, ...more].join('; ')}.`;
  return { why, evidence: proof(server.started, ...shown.map(([, event]) => event), failed) };
}

/** What the journal says even if it proves no cause. */
export function knownOfAgents(facts: Case): readonly string[] {
  const scene = sceneOf(facts);
  return scene === undefined ? [] : [countText(scene)];
}

function countText({ server, failed, parts }: Scene): string {
  const tried = failed.tried === undefined ? '' : ` (${failed.tried})`;
  return `${server.name} held ${server.backends.size} agents when it was asked${tried}; the journal knows ${parts.agents.size}.`;
}

export const noAgent: Family = {
  name: 'No agent available',
  fits: (facts) => unanswered(facts).some(isUnserved),
  causes: [
    {
      name: 'agent-dead',
      faults: 'A1 A2',
      means: 'The agent that could have served the address was killed or stopped.',
      proof: '`role.killed` or `role.stopped` of the agent, `backend.disconnected` at the server',
      hint: 'Start the agent again. With the strategies `destHost,default` another agent takes over meanwhile.',
      find: absent('agent-dead'),
    },
    {
      name: 'agent-left',
      faults: 'A2 A3 N5 D2',
      means: 'The stream of the agent ended, and the agent had not come back.',
      proof: '`backend.disconnected` at the server, no `backend.connected` after it',
      hint: 'The reason in the event says how it ended. Look at the agent, at devices on the way, and at the keepalive of both ends.',
      find: absent('agent-left'),
    },
    {
      name: 'server-just-started',
      faults: 'S1',
      means: 'The server started, and the next try of the agents was still to come.',
      proof: '`role.started` of the server, the last `agent.retry` before it with its `delayMs`',
      hint: 'Try again after the agents have come back: a server is ready (`/readyz`) when it has one. A shorter `--sync-interval-cap` brings them back sooner.',
      find: absent('server-just-started'),
    },
    {
      name: 'wrong-count',
      faults: 'S3 S12',
      means: 'The agents look for fewer servers than there are, and found as many as they look for.',
      proof: '`agent.connected` with `count`, as many connections to other servers',
      hint: 'Set the server count (`--server-count`, `serverCount`) to the number of servers, or let leases count them.',
      find: absent('wrong-count'),
    },
    {
      name: 'same-server-id',
      faults: 'S4',
      means: 'Two servers announce one ID, so that agents take the second for the first and leave it.',
      proof:
        '`backend.connected` at the server, then the agent’s `agent.retry` with another server as `peer`',
      hint: 'Give each server an ID of its own (`--server-id`), and look for copied configuration.',
      find: absent('same-server-id'),
    },
    {
      name: 'other-agent-id',
      faults: 'A4 A5',
      means: 'The agent is connected, and claims the ID of another agent.',
      proof:
        '`agent.connected` at the agent, no `backend.connected` of that name at the server since it lost it',
      hint: 'Give each agent an ID of its own (`--agent-id`): a node that was cloned may have the one of its original.',
      find: absent('other-agent-id'),
    },
    {
      name: 'balancer',
      faults: 'L1 L4',
      means: 'The balancer sends the agents to servers that they have already.',
      proof: 'several `agent.retry` with a `peer`: that server again',
      hint: 'Let the balancer spread connections: round robin or random, without stickiness to the source.',
      find: absent('balancer'),
    },
    {
      name: 'name-resolution',
      faults: 'D1',
      means: 'The agents cannot resolve the name of their servers.',
      proof: '`agent.retry` with step `lookup`',
      hint: 'Give agents a resolver that works without the tunnel, or an IP address. DNS in the cluster may need the tunnel itself.',
      find: absent('name-resolution'),
    },
    {
      name: 'agent-certificate',
      faults: 'T1 T2 T3 T4 T5 T7 T8',
      means:
        'One end refuses the certificate of the other, both have no TLS version or protocol in common, or the agents cannot use their own files.',
      proof: '`agent.retry` with code TLS_REJECTED or CERT_INVALID, often `peer.refused` at the server',
      hint: 'Compare the CAs, names and dates of both certificates. An open connection does not notice that one has expired: only the next does.',
      find: absent('agent-certificate'),
    },
    {
      name: 'agent-token',
      faults: 'A11 T6',
      means: 'The server refused the token of the agent.',
      proof: '`peer.refused` at the server with the agent as `peer`',
      hint: 'Check the audience, account and age of the agent’s token.',
      find: absent('agent-token'),
    },
    {
      name: 'agent-cannot-connect',
      faults: 'N12 N16 L3 S5 D5',
      means: 'The agents run, and their connections to the servers fail.',
      proof: '`agent.retry` with code SERVER_UNREACHABLE, begun after the server’s start',
      hint: 'Check the address that agents dial, the balancer’s targets and the network between.',
      find: absent('agent-cannot-connect'),
    },
    {
      name: 'no-candidate',
      faults: 'A5',
      means: 'Agents are connected, and none fits the address by the server’s strategies.',
      proof:
        '`strategies` of the server’s `role.started`, `identifiers` of each `backend.connected`, `tried` of the `dial.failed`',
      hint: 'Give an agent the address (`--agent-identifiers=ipv4=…`), or add a strategy such as `default`. `cidr` identifiers have no effect.',
      find: noCandidate,
    },
  ],
};

function isUnserved({ frontend, server }: Dial): boolean {
  return frontend?.failed?.code === 'NO_AGENT' || server?.failed?.code === 'NO_AGENT';
}
