import { because, between, type Case, proof, unanswered } from './case.js';
import type { Family, Found } from './cause.js';
import type { Dial } from './dials.js';
import { partsAt } from './parts-at.js';

/** The last dial, if its frontend did not reach the server. */
function unreached(facts: Case): Dial | undefined {
  return unanswered(facts).findLast(({ frontend, server }) => {
    const code = frontend?.failed?.code;
    return server === undefined && (code === 'SERVER_UNREACHABLE' || code === 'TLS_REJECTED');
  });
}

function serverDown(facts: Case): Found | undefined {
  const { frontend, serverName } = unreached(facts) ?? {};
  if (frontend?.failed === undefined || serverName === undefined) return undefined;
  const { failed } = frontend;
  const end = partsAt(facts.all, failed.seq).ended(serverName);
  if (end === undefined) return undefined;
  const how = end.kind === 'role.killed' ? 'was killed' : 'was stopped';
  const why = `${serverName} ${how} ${between(end, failed)} before ${frontend.node} gave up${because(failed)}.`;
  return { why, evidence: proof(end, frontend.started, failed) };
}

/** The server runs: what leads to it is broken. */
function serverOutOfReach(facts: Case): Found | undefined {
  const { frontend, serverName } = unreached(facts) ?? {};
  if (frontend?.failed?.code !== 'SERVER_UNREACHABLE' || serverName === undefined) return undefined;
  const { failed } = frontend;
  const { started, ended } = partsAt(facts.all, failed.seq).server(serverName);
  if (started === undefined || ended !== undefined) return undefined;
  const why = `${serverName} runs since ${between(started, failed)}, and ${frontend.node} cannot reach it${because(failed)}.`;
  return { why, evidence: proof(started, frontend.started, failed) };
}

function serverTls(facts: Case): Found | undefined {
  const { frontend, serverName } = unreached(facts) ?? {};
  if (frontend?.failed?.code !== 'TLS_REJECTED') return undefined;
  const { failed, started, node } = frontend;
  const refused = facts.all.findLast(
    (event) =>
      event.kind === 'peer.refused' &&
      event.node === serverName &&
      event.seq > (started?.seq ?? 0) &&
      event.seq < failed.seq,
  );
  const why = `The TLS handshake of ${node} with ${serverName} failed${because(failed)}.`;
  return { why, evidence: proof(started, refused, failed) };
}

export const serverReach: Family = {
  name: 'The proxy-server was not reached',
  fits: (facts) => unreached(facts) !== undefined,
  causes: [
    {
      name: 'server-down',
      faults: 'S1',
      means: 'The proxy-server does not run.',
      proof:
        '`role.killed` or `role.stopped` of the server, no `role.started` after it, `dial.failed` SERVER_UNREACHABLE at the frontend',
      hint: 'Start the server. kube-apiserver waits 30 s for one that comes back.',
      find: serverDown,
    },
    {
      name: 'server-out-of-reach',
      faults: 'S10 N16',
      means:
        'The proxy-server runs, and what leads to it is broken: its socket or address, or the way there.',
      proof:
        '`role.started` of the server, no end of it since, `dial.failed` SERVER_UNREACHABLE at the frontend',
      hint: 'Compare the socket (or address) in the egress configuration with the server’s. A process that died leaves a socket file to which nobody listens.',
      find: serverOutOfReach,
    },
    {
      name: 'server-tls',
      faults: 'T2 T3 T4',
      means: 'The frontend and the server do not trust each other.',
      proof: '`dial.failed` TLS_REJECTED at the frontend, often `peer.refused` at the server',
      hint: 'Compare the CAs and names in the egress configuration with the server’s certificates.',
      find: serverTls,
    },
  ],
};
