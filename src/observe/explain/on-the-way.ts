import type { FlowEvent, LabEvent } from '../../core/events.js';
import { absencesIn, sceneOf } from './absences.js';
import { between, type Case, proof, timeText } from './case.js';
import type { Family, Found } from './cause.js';

/** The connection of an agent to a server. */
interface Link {
  readonly server: string;
  readonly agent: string;
}

/** The connections that the request's dials took or, without an agent, would have taken. */
function linksOf(facts: Case): readonly Link[] {
  const links = facts.dials.flatMap(({ serverName: server, agentName: agent }) =>
    server === undefined || agent === undefined ? [] : [{ server, agent }],
  );
  const scene = sceneOf(facts);
  const missing = scene === undefined ? [] : absencesIn(scene).flatMap(({ evidence }) => agentsIn(evidence));
  return [...links, ...missing.map((agent) => ({ server: scene?.server.name ?? '', agent }))];
}

function agentsIn(events: readonly LabEvent[]): readonly string[] {
  const nodes = events.flatMap(({ node, peer }) => [node, peer ?? '']);
  return [...new Set(nodes)].filter((node) => node.startsWith('agent/'));
}

/** The last event of the case. What came later did not break it. */
function endOf({ own }: Case): number {
  return own.at(-1)?.seq ?? 0;
}

type Flow = LabEvent & FlowEvent;

/** The events of the flow through a middlebox that carries a link: its ends are named in the events of both parts. */
function flowOf(facts: Case, { server, agent }: Link): readonly Flow[] {
  const until = endOf(facts);
  const past = facts.all.filter(({ seq }) => seq <= until);
  const agentSide = past.findLast(
    ({ kind, node, peer }) => kind === 'agent.connected' && node === agent && peer === server,
  );
  const serverSide = past.findLast(
    ({ kind, node, peer }) => kind === 'backend.connected' && node === server && peer === agent,
  );
  const local = agentSide?.kind === 'agent.connected' ? agentSide.local : undefined;
  const address = serverSide?.kind === 'backend.connected' ? serverSide.address : undefined;
  const flows = past.filter((event): event is Flow => event.kind.startsWith('flow.'));
  return flows.filter(
    (flow) =>
      (local !== undefined && flow.peer === local) || (address !== undefined && flow.local === address),
  );
}

function forgotten(facts: Case): Found | undefined {
  for (const link of linksOf(facts)) {
    const flow = flowOf(facts, link);
    const found = flow.findLast(({ kind }) => kind === 'flow.forgotten');
    if (found === undefined) continue;
    const lost = flow.find(({ kind, seq }) => kind === 'flow.lost' && seq > found.seq);
    const last = facts.own.at(-1) ?? found;
    const idle = `${timeText(found.idleMs ?? 0)} without bytes`;
    const told = found.verdict === 'reset' ? 'reset both ends' : 'told neither end, and lost later bytes';
    const why = `${found.node} forgot the connection of ${link.agent} to ${link.server} after ${idle}, ${between(found, last)} earlier: it ${told}.`;
    return { why, evidence: proof(flow[0], found, lost) };
  }
  return undefined;
}

/** A fault's firing, as `src/links` reports it. */
type FaultHit = LabEvent & { readonly fault?: string; readonly link?: string; readonly flow?: string };

function hitsOf(facts: Case): readonly FaultHit[] {
  const links = linksOf(facts);
  const flows = links.flatMap((link) => flowOf(facts, link)).map(({ node, flow }) => `${node} ${flow}`);
  const [first] = facts.own;
  const parts = new Set(
    facts.dials.flatMap(({ frontend, serverName, agentName }) => [frontend?.node, serverName, agentName]),
  );
  const dials = new Set(facts.own.flatMap(({ dialId }) => dialId ?? []));
  const until = endOf(facts);
  return (facts.all as readonly FaultHit[]).filter((event) => {
    if ((event.kind as string) !== 'fault.hit' || event.seq > until) return false;
    if (event.request === facts.name || dials.has(event.dialId ?? '')) return true;
    if (event.flow !== undefined && flows.includes(`${event.node} ${event.flow}`)) return true;
    // A link without its flow is that of the request only if both its ends are parts of it, and while it ran.
    const ends = (event.link ?? '').match(/[a-z]+\/[\w.-]+/g) ?? [];
    return event.seq > (first?.seq ?? 0) && ends.length === 2 && ends.every((end) => parts.has(end));
  });
}

function faultHit(facts: Case): Found | undefined {
  const hits = hitsOf(facts);
  const [hit] = hits;
  if (hit === undefined) return undefined;
  const names = [...new Set(hits.map(({ fault }) => fault ?? 'a fault'))].join(', ');
  const where = hit.link === undefined ? hit.node : hit.link;
  const times = hits.length === 1 ? 'once' : `${hits.length} times`;
  return { why: `The fault ${names} hit ${where} ${times}.`, evidence: proof(...hits.slice(0, 5)) };
}

/** Behind the cause that the user met. It is looked for in every failure, and none of its proofs is missed. */
export const onTheWay: Family = {
  name: 'Behind it: what happened on the way',
  fits: () => true,
  causes: [
    {
      name: 'flow-forgotten',
      faults: 'N9 N17 L3',
      means:
        'A middlebox forgot the connection between agent and server, because it was idle or the device restarted.',
      proof:
        '`flow.forgotten` of the flow whose ends are the `local` of `agent.connected` or the `address` of `backend.connected`',
      hint: 'Ping more often than the device forgets: an HTTP/2 keepalive of 30 s from both ends, for a timer of 60 s.',
      find: forgotten,
    },
    {
      name: 'fault-hit',
      faults: '',
      means: 'A fault that the test has set hit the request.',
      proof: '`fault.hit` of the request’s flow or dial, or of its link while it ran',
      hint: 'That was the experiment. Remove the fault to see it heal.',
      find: faultHit,
    },
  ],
};
