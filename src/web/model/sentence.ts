import { type RequestState, resultOf, titleOf } from './requests.js';
import { isOpen, isZombie, nameOf, roleOf, type State } from './state.js';
import { durationText } from './timers.js';

/** What happens now, in words: one sentence, and one of what is wrong. */
export interface Sentence {
  readonly code?: string;
  readonly text: string;
  readonly wrong?: { readonly who: string; readonly text: string };
  readonly calm: string;
}

export function sentenceOf(state: State, request: RequestState | undefined, nowMs: number): Sentence {
  const wrong = troubleOf(state, nowMs);
  const calm = calmOf(state);
  return { ...happening(state, request, nowMs), calm, ...(wrong === undefined ? {} : { wrong }) };
}

function happening(
  state: State,
  request: RequestState | undefined,
  nowMs: number,
): Pick<Sentence, 'code' | 'text'> {
  if (state.stopped) return { text: 'The lab has ended. This is its last picture.' };
  if (state.parts.size === 0) return { text: 'Waiting for the first event of a lab.' };
  if (request === undefined || nowMs < request.start) {
    const agents = [...state.parts.values()].filter(
      ({ id, state: is }) => roleOf(id) === 'agent' && is === 'running',
    );
    const open = [...state.tunnels.values()].filter(
      ({ atAgent, atServer }) => isOpen(atAgent) && isOpen(atServer),
    );
    return {
      text: `${count(agents.length, 'agent')} dialled out and hold ${count(open.length, 'connection')} to the control plane.`,
    };
  }
  const code = titleOf(request);
  if (request.end !== undefined && nowMs >= request.end) return { code, text: ended(request) };
  const dial = [...state.dials.values()].findLast((one) => one.request === request.id);
  const lane = dial?.agent && dial.server ? state.tunnels.get(`${dial.agent} ${dial.server}`) : undefined;
  if (lane === undefined) return { code, text: 'asks for a way to its node.' };
  const via = nameOf(lane.agent);
  if (lane.cut !== undefined) return { code, text: `is sent to ${via}, and nothing comes back.` };
  return { code, text: `travels back through a connection that ${via} opened itself.` };
}

function ended(request: RequestState): string {
  const took = durationText((request.end ?? request.start) - request.start);
  if (request.outcome === 'failed') return `failed after ${took}.`;
  const code = request.exitCode === undefined || request.exitCode === 0 ? '' : `, ${resultOf(request)}`;
  const way =
    request.agent === undefined ? '' : `, through a connection that ${nameOf(request.agent)} opened itself`;
  return `was answered after ${took}${way}${code}.`;
}

function troubleOf(state: State, nowMs: number): Sentence['wrong'] {
  for (const tunnel of state.tunnels.values()) {
    if (!isZombie(tunnel, state)) continue;
    const who = nameOf(tunnel.agent);
    const { cut, atAgent, atServer } = tunnel;
    if (cut !== undefined && isOpen(atAgent) && isOpen(atServer))
      return {
        who: `${who} is a zombie:`,
        text: `both ends say open, but the network forgot the connection ${ago(nowMs - cut.at)}.`,
      };
    const holder = isOpen(atServer) ? 'the proxy-server' : 'the agent';
    return { who: `${who} is a zombie:`, text: `only ${holder} still believes in its connection.` };
  }
  for (const part of state.parts.values()) {
    if (part.state === 'killed' && !state.stopped)
      return { who: `${part.id} is dead:`, text: `it was killed ${ago(nowMs - part.since)}.` };
  }
  return undefined;
}

const ago = (ms: number): string =>
  ms < 1000 ? 'just now' : `${durationText(Math.round(ms / 1000) * 1000)} ago`;

function calmOf(state: State): string {
  const faults = [...state.faults.values()].filter(({ healedAt }) => healedAt === undefined).length;
  const set =
    faults === 0 ? 'No fault is set.' : `${count(faults, 'fault')} ${faults === 1 ? 'is' : 'are'} set.`;
  return `Nothing can dial in: nodes only dial out. ${set}`;
}

const count = (amount: number, word: string): string => `${amount} ${word}${amount === 1 ? '' : 's'}`;
