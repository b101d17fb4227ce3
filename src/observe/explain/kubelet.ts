import { type AskEvent, because, between, type Case, proof, unanswered } from './case.js';
import type { Cause, Family, Found } from './cause.js';
import { isOpened } from './dials.js';
import { partsAt } from './parts-at.js';

/** The kubelet's own failure: it came while the connection was open and the kubelet ran. */
function kubeletFailure(facts: Case): AskEvent | undefined {
  const failed = facts.atKubelet.findLast(({ kind }) => kind === 'request.failed');
  if (failed === undefined) return undefined;
  const closed = facts.dials.some(({ agent }) => (agent?.closed?.seq ?? Infinity) < failed.seq);
  return closed || partsAt(facts.all, failed.seq).ended(failed.node) !== undefined ? undefined : failed;
}

const told = new Set<number | undefined>([401, 403, 404, 405]);

function answered(...statuses: readonly number[]): Cause['find'] {
  return (facts) => {
    const failed = kubeletFailure(facts);
    if (failed?.status === undefined || !statuses.includes(failed.status)) return undefined;
    const why = `${failed.node} answered ${failed.status} to ${failed.verb} ${failed.path}${because(failed)}.`;
    return { why, evidence: proof(...established(facts), failed) };
  };
}

function established(facts: Case) {
  return facts.dials.map(({ frontend }) => frontend?.established);
}

function otherFailure(facts: Case): Found | undefined {
  const failed = kubeletFailure(facts);
  if (failed === undefined || told.has(failed.status)) return undefined;
  const status = failed.status === undefined || failed.status < 400 ? '' : ` with ${failed.status}`;
  const why = `${failed.node} got ${failed.verb} ${failed.path} and failed it${status}${because(failed)}.`;
  return { why, evidence: proof(...established(facts), failed) };
}

/** The connection to the kubelet was open when the request failed, with a code of TLS or of its time limit. */
function tlsFailure({ end, dials, atKubelet }: Case): Found | undefined {
  const dial = dials.at(-1);
  const opened = dial?.frontend?.established;
  if (end?.kind !== 'request.failed' || opened === undefined || atKubelet.length > 0) return undefined;
  if (end.code !== 'TLS_REJECTED' && end.code !== 'DIAL_TIMEOUT') return undefined;
  const why = `The tunnel to ${dial?.address} was open (${between(opened, end)} earlier). ${end.node} began TLS through it, and that failed${because(end)}.`;
  return { why, evidence: proof(opened, end) };
}

export const kubelet: Family = {
  name: 'The kubelet’s answer, and TLS with it',
  fits: (facts) =>
    kubeletFailure(facts) !== undefined ||
    (facts.dials.some(isOpened) && unanswered(facts).length === 0 && tlsFailure(facts) !== undefined),
  causes: [
    {
      name: 'kubelet-unauthorized',
      faults: 'K5',
      means: 'The kubelet does not accept the credentials of the API server.',
      proof: '`request.failed` of the kubelet with status 401',
      hint: 'Sign the API server’s `--kubelet-client-certificate` with the CA in the kubelet’s `clientCAFile`.',
      find: answered(401),
    },
    {
      name: 'kubelet-forbidden',
      faults: 'K5',
      means: 'The kubelet knows the API server and does not allow it to do this.',
      proof: '`request.failed` of the kubelet with status 403',
      hint: 'Bind the user of the API server’s certificate to the role `system:kubelet-api-admin`.',
      find: answered(403),
    },
    {
      name: 'kubelet-not-found',
      faults: '',
      means: 'The kubelet does not have that pod or path.',
      proof: '`request.failed` of the kubelet with status 404',
      hint: 'Was the request carried to the right node? Another agent’s network may have the same address.',
      find: answered(404),
    },
    {
      name: 'kubelet-debug-off',
      faults: 'K12',
      means: 'The kubelet’s debugging handlers are turned off, or it does not serve that method.',
      proof: '`request.failed` of the kubelet with status 405',
      hint: 'Set `enableDebuggingHandlers: true` in the kubelet’s configuration.',
      find: answered(405),
    },
    {
      name: 'kubelet-failed',
      faults: 'K6 K8 K10 K13',
      means: 'The kubelet got the request and could not fulfil it.',
      proof: '`request.failed` of the kubelet while its connection was open',
      hint: 'The text is the kubelet’s; the tunnel is healthy.',
      find: otherFailure,
    },
    {
      name: 'kubelet-tls',
      faults: 'K3 K4 T5 N11',
      means: 'The tunnel was open, and the TLS handshake with the kubelet (or the pod) failed.',
      proof:
        '`dial.established` at the frontend, then `request.failed` with code TLS_REJECTED or DIAL_TIMEOUT and no request at the kubelet',
      hint: 'The text says why: the CA, the names or the dates of the kubelet’s serving certificate, or a handshake that took longer than 10 s. The tunnel is healthy.',
      find: tlsFailure,
    },
  ],
};
