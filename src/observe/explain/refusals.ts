import { because, type Case, type HookEvent, proof, timeText, unanswered } from './case.js';
import type { Cause, Family, Found } from './cause.js';

type Hook = Pick<HookEvent, 'egress' | 'policy'>;

function failedHook({ egress, policy }: Partial<Hook>, then: string): Cause['find'] {
  return (facts) => {
    const hook = facts.webhooks.findLast(
      (event) =>
        event.kind === 'webhook.failed' &&
        event.policy === policy &&
        (egress === undefined || event.egress === egress),
    );
    if (hook === undefined) return undefined;
    const way = hook.egress === 'cluster' ? 'a Service, through the tunnel' : 'a URL, without the tunnel';
    const called = `${hook.node} called the webhook ${hook.webhook} (${way}; failurePolicy ${hook.policy})`;
    const why = `${called}, which failed after ${timeText(hook.durationMs)}${because(hook)}. ${then}`;
    return { why, evidence: proof(hook) };
  };
}

function denied(facts: Case): Found | undefined {
  const hook = facts.webhooks.findLast(({ allowed }) => allowed === 'false');
  if (hook === undefined) return undefined;
  const why = `The webhook ${hook.webhook} answered in ${timeText(hook.durationMs)} and denied the request with ${hook.status}.`;
  return { why, evidence: proof(hook) };
}

export const webhooks: Family = {
  name: 'An admission webhook',
  fits: (facts) =>
    facts.webhooks.some(({ kind, allowed }) => kind === 'webhook.failed' || allowed === 'false'),
  causes: [
    {
      name: 'webhook-service',
      faults: 'K11',
      means:
        'A webhook given as a Service could not be called. It is reached through the tunnel (egress `cluster`), and its policy is Fail.',
      proof: '`webhook.failed` with egress `cluster` and policy `Fail`; the dial’s own events say why',
      hint: 'Repair the tunnel, or let the webhook skip what keeps the tunnel alive (namespaceSelector). `failurePolicy: Ignore` lets writes pass without it.',
      find: failedHook({ egress: 'cluster', policy: 'Fail' }, 'The write was refused.'),
    },
    {
      name: 'webhook-url',
      faults: 'K11',
      means:
        'A webhook given as a URL could not be called. It is reached directly (egress `controlplane`), and its policy is Fail.',
      proof: '`webhook.failed` with egress `controlplane` and policy `Fail`',
      hint: 'The tunnel has no part in it: look at the URL, its certificate and the network of the control plane.',
      find: failedHook({ egress: 'controlplane', policy: 'Fail' }, 'The write was refused.'),
    },
    {
      name: 'webhook-ignored',
      faults: 'K11',
      means: 'A webhook could not be called, and its policy Ignore let the write pass without it.',
      proof: '`webhook.failed` with policy `Ignore`',
      hint: 'The write is stored unchecked and unchanged. With `failurePolicy: Fail` it would have been refused.',
      find: failedHook({ policy: 'Ignore' }, 'The write went on without it.'),
    },
    {
      name: 'webhook-denied',
      faults: '',
      means: 'A webhook answered, and denied the request.',
      proof: '`webhook.answered` with allowed `false`',
      hint: 'The text is the webhook’s: it is its decision.',
      find: denied,
    },
  ],
};

/** Nothing was dialled and no webhook was called: the API server decided alone. */
function refused({ end, dials, webhooks: hooks }: Case): Found | undefined {
  const status = end?.kind === 'request.failed' ? end.status : undefined;
  if (end === undefined || status === undefined || status < 400 || status === leftStatus) return undefined;
  if (dials.length > 0 || hooks.length > 0) return undefined;
  const why = `${end.node} answered ${status} by itself${because(end)}. Nothing was dialled.`;
  return { why, evidence: proof(end) };
}

/** What the API server notes for a client that has left. */
const leftStatus = 499;

function callerLeft(facts: Case): Found | undefined {
  const { end } = facts;
  const cancelled = unanswered(facts).findLast(({ frontend }) => frontend?.failed?.code === 'DIAL_CANCELLED');
  if (end?.status !== leftStatus && cancelled === undefined) return undefined;
  if (facts.webhooks.some(({ kind }) => kind === 'webhook.failed')) return undefined;
  const { failed, started } = cancelled?.frontend ?? {};
  const what = failed === undefined ? 'left before its answer' : 'gave the dial up before it was answered';
  return { why: `The caller ${what}.`, evidence: proof(started, failed, end) };
}

export const refusals: Family = {
  name: 'The API server alone, or the caller',
  fits: (facts) => refused(facts) !== undefined || callerLeft(facts) !== undefined,
  causes: [
    {
      name: 'api-refused',
      faults: '',
      means: 'The API server answered by itself, before it dialled anything.',
      proof: '`request.failed` of the API server, no dial and no webhook call of the request',
      hint: 'The text says what is wrong with the request, its user or its object; neither tunnel nor kubelet was asked.',
      find: refused,
    },
    {
      name: 'caller-left',
      faults: '',
      means: 'The caller gave up before there was an answer.',
      proof: '`dial.failed` with code DIAL_CANCELLED, or status 499',
      hint: 'If it gave up because it took long, the dial’s events show how far it came.',
      find: callerLeft,
    },
  ],
};
