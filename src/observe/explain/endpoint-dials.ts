import { destinationHost } from '../../core/address.js';
import type { EndReason } from '../../core/end-reasons.js';
import type { LabEvent } from '../../core/events.js';
import { because, between, type Case, proof, unanswered } from './case.js';
import type { Cause, Family } from './cause.js';
import { mayServe } from './claims.js';
import { partsAt } from './parts-at.js';

/** The failed dials that the agent failed itself, and not by its time limit. */
function failedAtAgent(facts: Case) {
  return unanswered(facts).findLast(
    ({ agent }) => agent?.failed !== undefined && agent.failed.reason !== 'timeout',
  );
}

function failed(reasons: readonly (EndReason | undefined)[], what: string): Cause['find'] {
  return (facts) => {
    const dial = failedAtAgent(facts);
    const end = dial?.agent?.failed;
    if (dial === undefined || end === undefined || !reasons.includes(end.reason)) return undefined;
    const down = kubeletOf(facts, dial.address, end.seq);
    const killed = down === undefined ? '' : ` ${down.node} ended ${between(down, end)} earlier.`;
    const why = `${end.node} dialled ${dial.address}: ${what}${because(end)}.${killed}`;
    return { why, evidence: proof(dial.agent?.started, down, end) };
  };
}

/** The end of the kubelet of a node, if it does not run: the node's agent claims the address, and has its name. */
function kubeletOf(facts: Case, address: string, seq: number): LabEvent | undefined {
  const host = destinationHost(address);
  const parts = partsAt(facts.all, seq);
  const owner = [...parts.agents.values()].find(({ claims }) => mayServe('destHost', claims, host) === true);
  return parts.ended(`kubelet/${owner?.name.replace('agent/', '') ?? host}`);
}

export const endpointDials: Family = {
  name: 'The agent’s dial failed',
  fits: (facts) => failedAtAgent(facts) !== undefined,
  causes: [
    {
      name: 'endpoint-refused',
      faults: 'K1 K7',
      means: 'The endpoint refused the connection: nothing listens on that port.',
      proof:
        '`endpoint.failed` with reason `refused`; with a kubelet that ended, its `role.killed` or `role.stopped`',
      hint: 'Is the kubelet (or the pod’s server) running, and is the port right?',
      find: failed(['refused'], 'nothing listens there'),
    },
    {
      name: 'endpoint-unreachable',
      faults: 'A8',
      means: 'The agent has no route to the endpoint.',
      proof: '`endpoint.failed` with reason `unreachable`',
      hint: 'Is it an address of this cluster, and does the chosen agent reach it? An agent of another node may not.',
      find: failed(['unreachable'], 'it has no route to it'),
    },
    {
      name: 'endpoint-unknown-name',
      faults: 'D4',
      means: 'The agent could not resolve the name of the endpoint.',
      proof: '`endpoint.failed` with reason `not_found`',
      hint: 'Let the API server dial IP addresses (`--kubelet-preferred-address-types=InternalIP`), or make node names resolve where agents run.',
      find: failed(['not_found'], 'it does not know the name'),
    },
    {
      name: 'endpoint-failed',
      faults: 'A10',
      means: 'The agent’s system refused the connection for another reason, such as too many open files.',
      proof: '`endpoint.failed` with reason `other`; its text is the system’s',
      hint: 'The text is that of the agent’s system.',
      find: failed(['other', undefined], 'its system refused'),
    },
  ],
};
