import type { EndReason } from '../../core/end-reasons.js';
import type { LabEvent } from '../../core/events.js';
import { because, between, type Case, proof, reports } from './case.js';
import type { Cause, Family, Found } from './cause.js';
import { type Dial, isOpened } from './dials.js';

interface Life {
  readonly dial: Dial;
  /** The first event that says that it is open, and the first that says that it ended. */
  readonly opened: LabEvent;
  readonly ended: LabEvent;
}

/** The connections that ended before the request did; of a request without an end, all that ended. */
function livesOf(facts: Case): readonly Life[] {
  return facts.dials.filter(isOpened).flatMap((dial) => {
    const { frontend, server, agent } = dial;
    const [opened] = proof(frontend?.established, server?.established);
    const [ended] = proof(frontend?.closed, server?.closed, agent?.closed);
    if (opened === undefined || ended === undefined) return [];
    return ended.seq > (facts.end?.seq ?? Infinity) ? [] : [{ dial, opened, ended }];
  });
}

/** Finds a cause in one of the connections, the last first. */
function inLife(find: (facts: Case, life: Life) => Found | undefined): Cause['find'] {
  return (facts) => {
    for (const life of [...livesOf(facts)].reverse()) {
      const found = find(facts, life);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** The kill or stop of a part during the connection. A kill is told first, a stop after what it ended. */
function endOf({ all }: Case, node: string | undefined, { opened, ended }: Life): LabEvent | undefined {
  const ends = all.filter((event) => event.node === node && event.seq > opened.seq);
  const killed = ends.find(({ kind, seq }) => kind === 'role.killed' && seq < ended.seq);
  const isSoon = ({ seq, t }: LabEvent): boolean => seq < ended.seq || t - ended.t < soonMs;
  return killed ?? ends.find((event) => event.kind === 'role.stopped' && isSoon(event));
}

/** A part that stops cuts its connections and says so when all are closed, ms. */
const soonMs = 2000;

function verb(event: LabEvent): string {
  return event.kind === 'role.killed' ? 'was killed' : 'was stopped';
}

function agentLost(facts: Case, life: Life): Found | undefined {
  const { server, agentName } = life.dial;
  if (server?.closed?.reason !== 'agent_lost') return undefined;
  // A server that ends loses its agents, too.
  if (endOf(facts, server.node, life) !== undefined) return undefined;
  const { closed } = server;
  const lost = facts.all.find(
    ({ kind, node, peer, seq }) =>
      kind === 'backend.disconnected' && node === server.node && peer === agentName && seq > closed.seq,
  );
  const gone = endOf(facts, agentName, life);
  const reason = lost?.kind === 'backend.disconnected' ? because(lost) : '';
  const how = gone === undefined ? `The stream of ${agentName} ended` : `${agentName} ${verb(gone)}`;
  const open = `while the connection was open (it was opened ${between(life.opened, closed)} earlier)`;
  const why = `${how} ${open}${gone === undefined ? reason : ''}.`;
  return { why, evidence: proof(life.opened, gone, closed, lost) };
}

function serverLost(facts: Case, life: Life): Found | undefined {
  const { serverName, frontend, server, agent } = life.dial;
  const gone = endOf(facts, serverName, life);
  if (gone !== undefined) {
    const why = `${serverName} ${verb(gone)} while the connection was open${because(frontend?.closed)}.`;
    return { why, evidence: proof(life.opened, gone, frontend?.closed, agent?.closed) };
  }
  const both = agent?.closed?.reason === 'server_lost' && frontend?.closed?.error !== undefined;
  if (!both || server?.closed !== undefined) return undefined;
  const why = `Both ends lost ${serverName}${because(frontend.closed)}.`;
  return { why, evidence: proof(life.opened, frontend.closed, agent.closed) };
}

function frontendLost(facts: Case, life: Life): Found | undefined {
  const { frontend, server } = life.dial;
  if (frontend === undefined || (server?.closed?.reason ?? 'frontend_lost') !== 'frontend_lost')
    return undefined;
  const gone = endOf(facts, frontend.node, life);
  if (gone === undefined) return undefined;
  const why = `${frontend.node}, which the user was connected to, ${verb(gone)}.`;
  return { why, evidence: proof(life.opened, gone, server?.closed) };
}

function endpointLost(facts: Case, life: Life): Found | undefined {
  const { agent, address } = life.dial;
  if (agent?.closed?.reason !== 'endpoint') return undefined;
  const { closed } = agent;
  const begun = facts.atKubelet.find(({ kind }) => kind === 'request.started');
  const over = facts.atKubelet.some(({ kind, seq }) => kind !== 'request.started' && seq < closed.seq);
  const gone = endOf(facts, begun?.node, life);
  if (gone !== undefined && gone.seq < closed.seq) {
    const why = `${gone.node} ${verb(gone)} while the connection was open.`;
    return { why, evidence: proof(life.opened, begun, gone, closed) };
  }
  if (begun === undefined || over || !reports(facts, begun.node)) return undefined;
  const why = `${address} closed the connection while ${begun.node} was still serving the request.`;
  return { why, evidence: proof(life.opened, begun, closed) };
}

function closedFor(what: string, ...reasons: readonly EndReason[]): Cause['find'] {
  return inLife((_facts, { dial, opened }) => {
    const sides = [dial.server, dial.agent];
    const closed = sides
      .map((side) => side?.closed)
      .find((event) => reasons.some((one) => one === event?.reason));
    if (closed === undefined) return undefined;
    return { why: `${closed.node} closed the connection: ${what}.`, evidence: proof(opened, closed) };
  });
}

function stale(_facts: Case, { dial, opened }: Life): Found | undefined {
  const found = dial.server?.stale;
  if (found === undefined) return undefined;
  const why = `${found.node} and ${found.peer} did not both hold the connection: ${found.text ?? ''}.`;
  return { why, evidence: proof(opened, found) };
}

export const cuts: Family = {
  name: 'A connection that was cut',
  fits: (facts) => livesOf(facts).length > 0,
  causes: [
    {
      name: 'agent-lost',
      faults: 'A2 A3 S2 N7 N8 N10',
      means: 'The agent, or its stream to the server, ended while the connection was open.',
      proof:
        '`connection.closed` at the server with reason `agent_lost`, `backend.disconnected`, `role.killed` of the agent',
      hint: 'Run it again. kube-apiserver does not tell a cut `exec` from one that ended: compare its output, or use `as: ideal` to be told.',
      find: inLife(agentLost),
    },
    {
      name: 'server-lost',
      faults: 'S1 S2',
      means: 'The proxy-server ended while the connection was open.',
      proof:
        '`role.killed` or `role.stopped` of the server, or `server_lost` at the agent together with an error at the frontend',
      hint: 'Run it again. Give servers a grace period that is longer than the requests you want to keep.',
      find: inLife(serverLost),
    },
    {
      name: 'frontend-lost',
      faults: 'S11',
      means: 'The API server (or client) that carried the request ended.',
      proof:
        '`role.killed` or `role.stopped` of the frontend, `connection.closed` at the server with reason `frontend_lost`',
      hint: 'Run it again: exec, logs and port-forward are not resumed by another API server.',
      find: inLife(frontendLost),
    },
    {
      name: 'endpoint-lost',
      faults: 'K7',
      means: 'The kubelet (or pod) ended the connection while it served the request.',
      proof:
        '`endpoint.closed` at the agent with reason `endpoint`, `role.killed` of the kubelet, or its request without an end',
      hint: 'Look at the node: the kubelet or the container restarted.',
      find: inLife(endpointLost),
    },
    {
      name: 'reader-stalled',
      faults: 'P1 P2 S9',
      means: 'One end of the connection did not read, and it was closed so that it held up no others.',
      proof:
        '`connection.closed` with reason `frontend_stalled`, `endpoint.closed` with `endpoint_stalled` or `window_exceeded`',
      hint: 'Read faster, or ask for less.',
      find: closedFor('an end did not read', 'frontend_stalled', 'endpoint_stalled', 'window_exceeded'),
    },
    {
      name: 'id-collision',
      faults: 'P5',
      means: 'A connection ID was used twice on one stream.',
      proof: '`connection.closed` at the server with reason `mismatch` or `reused_id`',
      hint: 'An end breaks the rules R8 or R12 of proto/README.md; two agents may use one ID.',
      find: closedFor('its ID was used twice', 'mismatch', 'reused_id'),
    },
    {
      name: 'stale-connection',
      faults: 'P4',
      means: 'Only one of server and agent still held the connection.',
      proof: '`connection.stale` at the server',
      hint: 'A packet that closes connections was lost on the way.',
      find: inLife(stale),
    },
  ],
};
