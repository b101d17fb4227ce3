import { type Hop, mergeData } from '../../observe/ladder-hops.js';
import { isLost, type Passage } from './hops.js';
import type { WebJournal } from './journal.js';
import type { RequestState } from './requests.js';
import { nameOf, roleOf } from './state.js';

/** The lanes of a ladder, from top to bottom. */
export type LadderLane = 'frontend' | 'server' | 'agent' | 'kubelet';

/** A packet, or a run of DATA in one direction, of the selected request. */
export interface LadderHop {
  readonly kind: 'hop';
  readonly passage: Passage;
  readonly hop: Hop;
  readonly from: LadderLane;
  readonly to: LadderLane;
  readonly lost: boolean;
}

/** What a part did: the agent's dial, the command in its container. */
export interface LadderMark {
  readonly t: number;
  readonly seq: number;
  readonly lane: LadderLane;
  readonly text: string;
  readonly bad: boolean;
}

export interface LadderPhase {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly bad: boolean;
}

export interface Ladder {
  readonly hops: readonly LadderHop[];
  readonly marks: readonly LadderMark[];
  readonly phases: readonly LadderPhase[];
  readonly names: Readonly<Record<LadderLane, string>>;
  readonly start: number;
  readonly end: number;
}

/** The packets and deeds of a request. */
export function ladderOf(journal: WebJournal, request: RequestState): Ladder {
  const end = Math.max(request.end ?? journal.end, request.start + 1);
  const events = eventsOf(journal, request, end);
  const passages = journal.passages.list.filter((passage) => passage.request === request.id);
  return {
    hops: hopsOf(passages, journal),
    marks: marksOf(events),
    phases: phasesOf(events, request, end),
    names: {
      frontend: nameOf(request.frontend ?? request.node),
      server: request.server === undefined ? '' : nameOf(request.server),
      agent: request.agent === undefined ? '' : nameOf(request.agent),
      kubelet: request.agent === undefined ? '' : nameOf(request.agent),
    },
    start: request.start,
    end,
  };
}

function eventsOf(journal: WebJournal, request: RequestState, end: number) {
  const [first, last] = [journal.countAt(request.start - 0.001), journal.countAt(end)];
  return journal.events.slice(first, last).filter((event) => event.request === request.id);
}

type Events = ReturnType<typeof eventsOf>;

/** Runs of DATA are one line each, as in the ladder in text. The hops are copied: merging changes them. */
function hopsOf(passages: readonly Passage[], journal: WebJournal): LadderHop[] {
  const origin = new Map<Hop, Passage>();
  const copies = passages.map((passage) => {
    const copy = { ...passage.hop };
    origin.set(copy, passage);
    return copy;
  });
  return mergeData<Hop>(copies).flatMap((hop) => {
    const passage = origin.get(hop);
    if (passage === undefined) return [];
    const lost = isLost(passage, journal.end, journal.reporting);
    return [{ kind: 'hop' as const, passage, hop, from: laneOf(passage.from), to: laneOf(passage.to), lost }];
  });
}

function laneOf(id: string): LadderLane {
  const role = roleOf(id);
  if (role === 'server' || role === 'agent') return role;
  return role === 'kubelet' || role === 'container' ? 'kubelet' : 'frontend';
}

function marksOf(events: Events): LadderMark[] {
  return events.flatMap((event) => {
    const { t, seq, node, kind } = event;
    const mark = (text: string, bad = false): LadderMark[] => [{ t, seq, lane: laneOf(node), text, bad }];
    switch (kind) {
      case 'endpoint.dialing':
        return mark('dials the kubelet');
      case 'endpoint.connected':
        return mark('connected');
      case 'endpoint.failed':
        return mark(event.error ?? 'connect failed', true);
      case 'request.started':
        return roleOf(node) === 'kubelet' ? mark(`${event.verb ?? 'request'} starts`) : [];
      case 'request.finished':
        return roleOf(node) === 'kubelet'
          ? mark(event.exitCode === undefined ? 'done' : `exit ${event.exitCode}`)
          : [];
      case 'request.failed':
        return mark(event.error ?? 'failed', true);
      case 'dial.failed':
        return roleOf(node) === 'server' || roleOf(node) === 'agent'
          ? mark(event.error ?? 'failed', true)
          : [];
      default:
        return [];
    }
  });
}

function phasesOf(events: Events, request: RequestState, end: number): LadderPhase[] {
  const phases: LadderPhase[] = [];
  const at = (kind: string, role?: string): number | undefined =>
    events.find((event) => event.kind === kind && (role === undefined || roleOf(event.node) === role))?.t;
  const front = roleOf(request.frontend ?? request.node);
  const [dial, open, failed] = [
    at('dial.started', front),
    at('dial.established', front),
    at('dial.failed', front),
  ];
  const [ran, finished] = [at('request.started', 'kubelet'), at('request.finished', 'kubelet')];
  const add = (from: number | undefined, to: number | undefined, text: string, bad = false): void => {
    if (from !== undefined && to !== undefined && to > from) phases.push({ from, to, text, bad });
  };
  const why = events.find((event) => event.kind === 'dial.failed' && roleOf(event.node) === front);
  add(dial, failed, `dial fails: ${why !== undefined && 'error' in why ? why.error : ''}`, true);
  add(dial, open, 'dial');
  add(open, ran, 'TLS to the kubelet: sealed, the tunnel cannot read it');
  add(ran, finished ?? end, request.verb);
  add(finished, end, 'close');
  return phases;
}
