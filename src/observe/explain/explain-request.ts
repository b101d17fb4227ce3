import type { LabEvent } from '../../core/events.js';
import { type Case, openCase, unanswered } from './case.js';
import type { Family } from './cause.js';
import type { Dial, Side } from './dials.js';
import type { Explanation } from './explanation.js';
import { explanationText } from './explanation-text.js';
import { families } from './families.js';
import { knownOfAgents } from './no-agent.js';

/**
 * Explains a request from events: those of a lab, of a recording, or of several processes. Without a name, the last request
 * that failed. A request is named as its events name it, such as `exec-1` or `main-7`; a dial without one by its dial ID.
 *
 * Only what events prove is called a cause. Throws REQUEST_NOT_FOUND when no event has that name, or no request failed.
 */
export function explainRequest(events: readonly LabEvent[], request?: string): Explanation {
  const facts = openCase(events, request);
  const fitting = families.filter(({ fits }) => fits(facts));
  const proven = fitting.flatMap((family) => provenIn(family, facts));
  const outcome = outcomeOf(facts);
  const isProven = proven.length > 0 || outcome === 'finished';
  const speech = speechOf(facts, outcome);
  const known = isProven ? [] : knownOfAgents(facts);
  const missing = isProven ? [] : fitting.filter(({ name }) => name !== behind).flatMap(proofsOf);
  const causes = proven.map(({ evidence, ...cause }) => ({
    ...cause,
    evidence: evidence.map(({ seq }) => seq),
  }));
  const asked = [facts.began?.verb, facts.began?.path].filter((part) => part !== undefined).join(' ');
  const told = { request: facts.name, asked, outcome, ...speech, causes, known, missing };
  return { ...told, text: explanationText(told, { proven, own: facts.own }) };
}

const behind = families.at(-1)?.name;

function provenIn({ causes }: Family, facts: Case) {
  return causes.flatMap(({ name: cause, faults, hint, find }) => {
    const found = find(facts);
    return found === undefined ? [] : [{ cause, faults, hint, ...found }];
  });
}

function proofsOf({ causes }: Family): readonly string[] {
  return causes.map(({ name, proof }) => `${name}: ${proof}`);
}

function outcomeOf({ end, dials }: Case): Explanation['outcome'] {
  if (end?.kind === 'request.failed') return 'failed';
  if (end !== undefined) return 'finished';
  const isLost = (dial: Dial): boolean =>
    (tellerOf(dial)?.failed ?? dial.frontend?.closed?.error) !== undefined;
  return dials.some(isLost) ? 'failed' : 'open';
}

/** Who told the user. A client outside the lab has no events: its server told it. */
function tellerOf({ frontend, server }: Dial): Side | undefined {
  return frontend ?? server;
}

type Speech = Pick<Explanation, 'line' | 'saidBy' | 'code'>;

/** The line, and whose words it has: an API server and a client pass on what they were told. */
function speechOf(facts: Case, outcome: Explanation['outcome']): Speech {
  if (outcome !== 'failed') return { line: '', saidBy: '' };
  const { end, dials } = facts;
  const dial = dials.at(-1);
  const last = dial && tellerOf(dial);
  const told = end ?? last?.failed ?? last?.closed;
  const code = last?.failed?.code ?? end?.code;
  const line = told?.error ?? '';
  return { line, saidBy: speaker(facts) ?? told?.node ?? '', ...(code === undefined ? {} : { code }) };
}

function speaker(facts: Case): string | undefined {
  const hook = facts.webhooks.find(({ allowed }) => allowed === 'false');
  if (hook !== undefined) return `webhook ${hook.webhook}`;
  const dial = unanswered(facts).at(-1);
  if (dial !== undefined) {
    const { frontend, server, agent } = dial;
    if (agent?.failed !== undefined && server?.failed?.reason === 'error_response') return agent.node;
    // A server that ended its dial because the frontend gave up said nothing.
    const isOwn = server?.failed !== undefined && server.failed.reason !== 'frontend_close';
    return isOwn ? server.node : frontend?.node;
  }
  const refused = facts.atKubelet.findLast(
    ({ kind, status }) => kind === 'request.failed' && (status ?? 0) >= 400,
  );
  return refused?.node;
}
