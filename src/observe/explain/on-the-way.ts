import type { FlowEvent, LabEvent } from '../../core/events.js';
import { absencesIn, sceneOf } from './absences.js';
import { between, type Case, proof, timeText } from './case.js';
import type { Cause, Family, Found } from './cause.js';

/** A link that the request took or would have taken. */
interface Way {
  readonly from: string;
  /** Undefined for whatever the agent dialled. */
  readonly to: string | undefined;
  /** The `seq` of the last event that shows it working, before the request. What came earlier did not break it. */
  readonly since: number;
}

/** The ways between agents and servers: of the dials and, without an agent, of those that were missing. */
function agentWays(facts: Case): readonly Way[] {
  const pairs = facts.dials.map(({ serverName, agentName }) => [agentName, serverName] as const);
  const scene = sceneOf(facts);
  const missing = scene === undefined ? [] : absencesIn(scene).flatMap(({ evidence }) => agentsIn(evidence));
  const all = [...pairs, ...missing.map((agent) => [agent, scene?.server.name] as const)];
  return all.flatMap(([from, to]) => {
    if (from === undefined || to === undefined) return [];
    const since = workedAt(facts, ({ kind, node, peer }) => {
      if (kind === 'agent.connected') return node === from && peer === to;
      return kind === 'dial.established' && node === to && peer === from;
    });
    return [{ from, to, since }];
  });
}

/** The ways from frontends to servers, and from agents to what they dialled for this request. */
function otherWays(facts: Case): readonly Way[] {
  return facts.dials.flatMap(({ frontend, serverName: to, agent }) => {
    const from = frontend?.node;
    const isProof = ({ kind, node, peer }: LabEvent): boolean =>
      kind === 'dial.established' && node === from && peer === to;
    const first =
      from === undefined || to === undefined ? [] : [{ from, to, since: workedAt(facts, isProof) }];
    const { started } = agent ?? {};
    const last = started === undefined ? [] : [{ from: started.node, to: undefined, since: started.seq }];
    return [...first, ...last];
  });
}

function workedAt({ all, own }: Case, isProof: (event: LabEvent) => boolean): number {
  const begin = own[0]?.seq ?? 0;
  return all.findLast((event) => event.seq < begin && isProof(event))?.seq ?? 0;
}

function agentsIn(events: readonly LabEvent[]): readonly string[] {
  const nodes = events.flatMap(({ node, peer }) => [node, peer ?? '']);
  return [...new Set(nodes)].filter((node) => node.startsWith('agent/'));
}

/** The events up to the last of the case. What came later did not break it. */
function past({ all, own }: Case): readonly LabEvent[] {
  const end = own.at(-1)?.seq ?? 0;
  return all.filter(({ seq }) => seq <= end);
}

/** Events of links name them: `agent/node-1 → server/server-1`. */
type Linked = LabEvent & { readonly link?: string };

function isOn({ from, to, since }: Way, { link, seq }: Linked): boolean {
  if (link === undefined || seq <= since) return false;
  // An agent's other links lead to servers.
  if (to === undefined) return link.startsWith(`${from} → `) && !link.startsWith(`${from} → server/`);
  return link === `${from} → ${to}`;
}

type Flow = LabEvent & FlowEvent;

/** The events of the flow that carries a way: its link is named, or its client has the agent's address. */
function flowOf(facts: Case, way: Way): readonly Flow[] {
  const events = past(facts);
  const isAgents = ({ node, peer }: LabEvent): boolean => node === way.from && peer === way.to;
  const agentSide = events.findLast((event) => event.kind === 'agent.connected' && isAgents(event));
  const local = agentSide?.kind === 'agent.connected' ? agentSide.local : undefined;
  const flows = events.filter((event): event is Flow => event.kind.startsWith('flow.'));
  return flows.filter((flow) => (local !== undefined && flow.peer === local) || isOn(way, flow));
}

/** The end that a device made of a flow: it tells neither end, or both. */
function givenUp(isSilent: boolean, fate: string): Cause['find'] {
  return (facts) => {
    for (const way of agentWays(facts)) {
      const flow = flowOf(facts, way);
      const found = flow.findLast(({ kind }) => kind === 'flow.forgotten');
      if (found === undefined || (found.verdict === 'drop') !== isSilent) continue;
      const lost = flow.find(({ kind, seq }) => kind === 'flow.lost' && seq > found.seq);
      const last = facts.own.at(-1) ?? found;
      const idle = `${timeText(found.idleMs ?? 0)} without bytes`;
      const what = `${found.node} gave up the connection of ${way.from} to ${way.to} after ${idle}`;
      const why = `${what}, ${between(found, last)} earlier. ${fate}`;
      return { why, evidence: proof(flow[0], found, lost) };
    }
    return undefined;
  };
}

/** A fault's event, as links report it. */
type FaultEvent = Linked & { readonly fault?: string; readonly part?: string };

function isFault(event: FaultEvent, kind: 'fault.hit' | 'fault.healed'): boolean {
  return (event.kind as string) === kind;
}

/** A part at one end of the way was hit. */
function isAt({ from, to, since }: Way, { part, seq }: FaultEvent): boolean {
  return part !== undefined && seq > since && (part === from || part === to);
}

/** The hits on the ways of the request that were not healed before it. */
function hitsOf(facts: Case): readonly FaultEvent[] {
  const ways = [...agentWays(facts), ...otherWays(facts)];
  const begin = facts.own[0]?.seq ?? 0;
  const events = past(facts) as readonly FaultEvent[];
  const healed = events.filter((event) => isFault(event, 'fault.healed') && event.seq < begin);
  return events.filter(
    (event) =>
      isFault(event, 'fault.hit') &&
      ways.some((way) => isOn(way, event) || isAt(way, event)) &&
      !healed.some(({ fault, seq }) => fault === event.fault && seq > event.seq),
  );
}

/** How many hits are shown. */
const mostHits = 5;

function faultHit(facts: Case): Found | undefined {
  const hits = hitsOf(facts);
  if (hits.length === 0) return undefined;
  const named = hits.map(({ fault, link, part }) => `The fault ${fault} hit ${link ?? part}.`);
  const why = [...new Set(named)].slice(0, mostHits).join(' ');
  return { why, evidence: proof(...hits.slice(0, mostHits)) };
}

/** Behind the cause that the user met. It is looked for in every failure, and none of its proofs is missed. */
export const onTheWay: Family = {
  name: 'Behind it: what happened on the way',
  fits: () => true,
  causes: [
    {
      name: 'flow-forgotten',
      faults: 'N9 N17 L3',
      means: 'A device forgot the connection between agent and server and told neither end.',
      proof:
        '`flow.forgotten` with verdict `drop`, of the flow of that link or with the `local` of `agent.connected` as its `peer`',
      hint: 'Ping more often than the device forgets: an HTTP/2 keepalive of 30 s from both ends, for a timer of 60 s.',
      find: givenUp(true, 'It told neither end, and lost later bytes.'),
    },
    {
      name: 'flow-cut',
      faults: 'N7 N8 N10 N17',
      means: 'A device cut the connection between agent and server, and told both ends.',
      proof: '`flow.forgotten` with verdict `reset` or `fin`, of that flow',
      hint: 'Pings help if the device cuts idle connections. One that cuts at an age, or restarts, needs clients that begin again.',
      find: givenUp(false, 'Both ends were told.'),
    },
    {
      name: 'fault-hit',
      faults: '',
      means:
        'A fault that was set hit a link of the request, or a part at its end, which has not worked since.',
      proof:
        '`fault.hit` of a link of the request or of agent, server or frontend, no `fault.healed` and no success over that link between it and the request',
      hint: 'That was the experiment. Remove the fault to see it heal.',
      find: faultHit,
    },
  ],
};
