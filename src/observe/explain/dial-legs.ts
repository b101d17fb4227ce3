import type { LabEvent } from '../../core/events.js';
import { because, between, type Case, proof, reports, unanswered } from './case.js';
import type { Family, Found } from './cause.js';
import { type Dial, overAt } from './dials.js';
import { partsAt } from './parts-at.js';

/** A dial whose answer did not come in the time of an agent, a server, a frontend or a webhook call. */
function lateDial(facts: Case): Dial | undefined {
  const hasLimit = facts.webhooks.some(({ kind }) => kind === 'webhook.failed');
  return unanswered(facts).findLast(({ frontend, server, agent }) => {
    const codes = [frontend?.failed?.code, server?.failed?.code];
    if (codes.includes('DIAL_TIMEOUT') || agent?.failed?.reason === 'timeout') return true;
    return hasLimit && codes.includes('DIAL_CANCELLED');
  });
}

/** Finds a cause for the late dial, if there is one. `over` is the event with which it was given up. */
function late(find: (facts: Case, dial: Dial, over: LabEvent) => Found | undefined) {
  return (facts: Case): Found | undefined => {
    const dial = lateDial(facts);
    const over = dial && overAt(dial);
    return dial === undefined || over === undefined ? undefined : find(facts, dial, over);
  };
}

function isIn(event: LabEvent | undefined, over: LabEvent): event is LabEvent {
  return event !== undefined && event.seq < over.seq;
}

function endpointSilent(_facts: Case, { address, agent }: Dial, over: LabEvent): Found | undefined {
  const { started, established, failed, node } = agent ?? {};
  if (!isIn(started, over) || isIn(established, over)) return undefined;
  const isOwn = failed?.reason === 'timeout';
  if (isIn(failed, over) && !isOwn) return undefined;
  const when = `${between(started, isOwn ? failed : over)} before`;
  const gaveUp = isOwn ? `the agent gave up${because(failed)}` : 'the dial was given up';
  const why = `${node} dialled ${address}, which did not accept: it began ${when} ${gaveUp}.`;
  return { why, evidence: proof(started, failed, over) };
}

function requestLost(facts: Case, { frontend, server, serverName }: Dial, over: LabEvent): Found | undefined {
  const { started } = frontend ?? {};
  if (started === undefined || server !== undefined || !reports(facts, serverName)) return undefined;
  if (partsAt(facts.all, over.seq).ended(serverName ?? '') !== undefined) return undefined;
  const why = `${frontend?.node} sent its DIAL_REQ ${between(started, over)} earlier, and ${serverName} never reported it.`;
  return { why, evidence: proof(started, over) };
}

function agentSilent(facts: Case, { server, agent, agentName }: Dial, over: LabEvent): Found | undefined {
  const { started } = server ?? {};
  if (started === undefined || !reports(facts, agentName)) return undefined;
  if (isIn(agent?.started, over) || isIn(agent?.failed, over)) return undefined;
  const why = `${server?.node} passed the DIAL_REQ on to ${agentName} ${between(started, over)} earlier, and the agent never got it: the server holds a connection that leads nowhere.`;
  return { why, evidence: proof(started, over, agent?.started) };
}

function answerLost(facts: Case, { server, agent, serverName }: Dial, over: LabEvent): Found | undefined {
  const answered = agent?.established ?? (agent?.failed?.reason === 'timeout' ? undefined : agent?.failed);
  if (!isIn(answered, over) || !reports(facts, serverName)) return undefined;
  if (server?.established !== undefined || server?.failed?.reason === 'error_response') return undefined;
  const why = `${agent?.node} had its answer ${between(answered, over)} earlier, and ${serverName} never got the DIAL_RSP.`;
  return { why, evidence: proof(agent?.started, answered, over) };
}

function replyLost(_facts: Case, { frontend, server }: Dial, over: LabEvent): Found | undefined {
  const { established } = server ?? {};
  if (!isIn(established, over) || frontend === undefined) return undefined;
  const why = `${server?.node} passed the DIAL_RSP on ${between(established, over)} earlier, and ${frontend.node} never got it.`;
  return { why, evidence: proof(established, over) };
}

export const dialLegs: Family = {
  name: 'A dial without an answer in time, by leg',
  fits: (facts) => lateDial(facts) !== undefined,
  causes: [
    {
      name: 'endpoint-silent',
      faults: 'K2 A8 N16',
      means: 'The agent dialled the endpoint, which neither accepted nor refused: leg agent → endpoint.',
      proof:
        '`endpoint.dialing` at the agent without `endpoint.connected`; `endpoint.failed` with reason `timeout` after its 5 s',
      hint: 'Something drops the packets to the endpoint: a firewall or network policy, a node that is down. Try the address from the agent’s node.',
      find: late(endpointSilent),
    },
    {
      name: 'agent-silent',
      faults: 'N5 N6 N9 A3 S7 L2 L3',
      means: 'The server asked an agent that did not get the dial: leg server → agent.',
      proof:
        '`dial.started` at the server, events of the agent in the journal, none of them an `endpoint.dialing` for this dial',
      hint: 'The connection is dead at one end. Let both ends ping more often than the shortest idle timer on the way; 30 s is the least that servers accept.',
      find: late(agentSilent),
    },
    {
      name: 'answer-lost',
      faults: 'N6 P3',
      means: 'The agent answered, and the server did not get the answer: leg agent → server.',
      proof: '`endpoint.connected` or `endpoint.failed` at the agent, no `dial.established` at the server',
      hint: 'Packets are lost in one direction: look at the devices between agent and server.',
      find: late(answerLost),
    },
    {
      name: 'request-lost',
      faults: 'N5 S5',
      means: 'The frontend asked a server that did not get the dial: leg frontend → server.',
      proof:
        '`dial.started` at the frontend, events of the server in the journal, none of them for this dial',
      hint: 'Does the server run, and does it still read? Look at the link between the API server and it.',
      find: late(requestLost),
    },
    {
      name: 'reply-lost',
      faults: 'N6 P7',
      means: 'The server answered, and the frontend did not get the answer: leg server → frontend.',
      proof: '`dial.established` at the server, `dial.failed` at the frontend after it',
      hint: 'Packets are lost between server and API server, or the answer came too late.',
      find: late(replyLost),
    },
  ],
};
