import { TunnelError } from '../../core/errors.js';
import type { LabEvent, RequestEvent, WebhookEvent } from '../../core/events.js';
import { printable } from '../event-text.js';
import { ownEventsOf, type RequestEventEntry } from '../request-events.js';
import { type Dial, dialsOf, isFrontend, isOpened, overAt } from './dials.js';

export type AskEvent = LabEvent & RequestEvent;
export type HookEvent = LabEvent & WebhookEvent;

/** All that the journal says of one request. */
export interface Case {
  /** The name of the request, or the ID of a dial without one. */
  readonly name: string;
  readonly all: readonly LabEvent[];
  /** The events of the request and of its dials. */
  readonly own: readonly LabEvent[];
  readonly dials: readonly Dial[];
  /** What API server or client report of it. */
  readonly began: AskEvent | undefined;
  readonly end: AskEvent | undefined;
  /** What kubelets report of it. */
  readonly atKubelet: readonly AskEvent[];
  readonly webhooks: readonly HookEvent[];
}

/** Opens the case of a request or of a dial ID; without a name, of the last that failed. Throws REQUEST_NOT_FOUND. */
export function openCase(events: readonly LabEvent[], name: string | undefined): Case {
  const wanted = name ?? lastFailed(events);
  if (wanted === undefined) throw new TunnelError('REQUEST_NOT_FOUND', 'no request has failed');
  const entries = entriesOf(events, wanted);
  if (entries.length === 0) throw unknownRequest(events, wanted);
  const own = entries.map(({ event }) => event);
  const asks = own.filter(isAsk);
  const outer = asks.filter(({ node }) => isFrontend(node));
  return {
    name: wanted,
    all: events,
    own,
    dials: dialsOf(entries, events),
    began: outer.find(({ kind }) => kind === 'request.started'),
    end: outer.findLast(({ kind }) => kind === 'request.failed' || kind === 'request.finished'),
    atKubelet: asks.filter(({ node }) => node.startsWith('kubelet/')),
    webhooks: own.filter(isHook),
  };
}

function entriesOf(events: readonly LabEvent[], name: string): readonly RequestEventEntry[] {
  const named = ownEventsOf(events, { request: name });
  return named.length > 0 ? named : ownEventsOf(events, { dialId: name });
}

function unknownRequest(events: readonly LabEvent[], name: string): TunnelError {
  const known = [...new Set(events.flatMap(({ request }) => request ?? []))].slice(-10);
  const which = known.length === 0 ? 'and none carries a request' : `the last ones are ${known.join(', ')}`;
  return new TunnelError('REQUEST_NOT_FOUND', `no event carries the request ${name}; ${which}`);
}

/** The request, or the dial without one, whose failure came last. A cut connection counts, also when no one was told. */
function lastFailed(events: readonly LabEvent[]): string | undefined {
  // A client outside the lab tells nothing: then the server's word counts.
  const last = events.findLast(isFailure) ?? events.findLast(isFailedDial);
  if (last === undefined) return undefined;
  if (last.request !== undefined) return last.request;
  const ofDial = events.find(({ dialId, request }) => dialId === last.dialId && request !== undefined);
  return ofDial?.request ?? last.dialId;
}

function isFailedDial({ kind, dialId }: LabEvent): boolean {
  return kind === 'dial.failed' && dialId !== undefined;
}

function isFailure(event: LabEvent): boolean {
  if (event.request === undefined && event.dialId === undefined) return false;
  switch (event.kind) {
    case 'webhook.failed':
      return true;
    case 'request.failed':
    case 'dial.failed':
      return isFrontend(event.node);
    case 'connection.closed':
      return event.reason === 'agent_lost' || event.error !== undefined;
    default:
      return false;
  }
}

const askKinds = new Set<LabEvent['kind']>(['request.started', 'request.finished', 'request.failed']);

function isAsk(event: LabEvent): event is AskEvent {
  return askKinds.has(event.kind);
}

function isHook(event: LabEvent): event is HookEvent {
  return event.kind === 'webhook.answered' || event.kind === 'webhook.failed';
}

/** The failed dials after which no other dial to the same address succeeded. */
export function unanswered(facts: Case): readonly Dial[] {
  return facts.dials.filter(
    (dial, index) =>
      overAt(dial) !== undefined &&
      !facts.dials.slice(index + 1).some((later) => later.address === dial.address && isOpened(later)),
  );
}

/** True when the part's events come to this journal: only then it means something that one is missing. */
export function reports(facts: Case, node: string | undefined): boolean {
  return node !== undefined && facts.all.some((event) => event.node === node);
}

/** `12.3 ms` or `4.2 s`. */
export function timeText(durationMs: number): string {
  return durationMs < 1000
    ? `${Math.round(durationMs * 10) / 10} ms`
    : `${Math.round(durationMs / 100) / 10} s`;
}

/** `4.2 s`: the time from one event to a later one. */
export function between(event: LabEvent, later: LabEvent): string {
  return timeText(Math.max(0, later.t - event.t));
}

/** `: REASON`, or nothing. */
export function because(event: { readonly error?: string } | undefined): string {
  return event?.error === undefined ? '' : `: ${printable(event.error)}`;
}

/** The events that are there, each once and in the order of the journal. */
export function proof(...events: readonly (LabEvent | undefined)[]): readonly LabEvent[] {
  const there = [...new Set(events.filter((event) => event !== undefined))];
  return there.sort((one, other) => one.seq - other.seq);
}
