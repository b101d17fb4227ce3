import type { ConnectionEvent, LabEvent, RequestEvent, WebhookEvent } from '../core/events.js';
import { printable } from './event-text.js';
import { arrowOf, type Hop, HopPairing, mergeData, shortDial } from './ladder-hops.js';
import {
  type ArrowStep,
  type LadderStep,
  type Lane,
  lanes,
  type NoteStep,
  type Tone,
} from './ladder-step.js';
import { isMishap, type RequestEventEntry } from './request-events.js';

export interface Cast {
  /** The role that dials through the server in this picture. */
  readonly frontend: 'client' | 'apiserver';
}

/** The lane of `<role>/<name>`. A server calls all its frontends `client/…`. */
export function laneOf(node: string, seenBy: string | undefined, cast: Cast): Lane | undefined {
  const role = node.split('/')[0] ?? '';
  if (role === 'client' && seenBy?.startsWith('server/') === true) return cast.frontend;
  if (role === 'container') return 'kubelet';
  return lanes.find((lane) => lane === role);
}

/** What the rest of the journal shows about the packets of a picture. */
export interface Surroundings {
  readonly reporting: ReadonlySet<Lane>;
  readonly nowMs: number;
}

/** The steps of a picture, in order, with DATA merged. */
export function stepsOf(
  entries: readonly RequestEventEntry[],
  cast: Cast,
  around: Surroundings,
): LadderStep[] {
  const pairing = new HopPairing();
  const raw: (Hop | ArrowStep | NoteStep)[] = [];
  for (const { event, dialId } of entries) {
    if (event.kind === 'packet') {
      const [node, peer] = [laneOf(event.node, undefined, cast), laneOf(event.peer, event.node, cast)];
      if (node === undefined || peer === undefined) continue;
      const route = event.dir === 'out' ? { from: node, to: peer } : { from: peer, to: node };
      const hop = pairing.add(event, route, dialId);
      if (hop !== undefined) raw.push(hop);
    } else {
      raw.push(...doings(event, cast));
    }
  }
  const drawing = {
    ...around,
    idsOnData: dialsIn(entries).length > 1,
    broken: entries.some(({ event }) => isMishap(event)),
  };
  return mergeData(raw).map((step) => (step.kind === 'hop' ? arrowOf(step, drawing) : step));
}

function dialsIn(entries: readonly RequestEventEntry[]): string[] {
  return [...new Set(entries.map(({ dialId }) => dialId).filter((id) => id !== undefined))];
}

type Doing = Exclude<LabEvent, { kind: 'packet' }>;

/** The steps for an event that is not a packet. */
function doings(event: Doing, cast: Cast): (ArrowStep | NoteStep)[] {
  const lane = laneOf(event.node, undefined, cast);
  if (lane === undefined) return [];
  const note = (text: string, tone: Tone = 'plain'): NoteStep[] => [
    { kind: 'note', t: event.t, lane, text: printable(text), tone },
  ];
  switch (event.kind) {
    case 'request.started':
      return requestStarted(event, lane, note);
    case 'request.finished':
      return answerArrow(event, lane, 'request') ?? note(`✓ ${outcomeText(event)}`, 'request');
    case 'request.failed':
      return [
        ...note(`✗ ${event.error ?? outcomeText(event)}`, 'bad'),
        ...(answerArrow(event, lane, 'bad') ?? []),
      ];
    case 'command.left':
    case 'connection.reused':
      return note(event.text ?? event.kind);
    case 'command.ended':
      return note(`the command ended: ${event.error ?? outcomeText(event)}`);
    case 'dial.started':
      return lane === 'server' && event.text !== undefined ? note(choiceText(event.peer, event.text)) : [];
    case 'dial.failed':
      return note(`✗ ${event.error ?? event.text ?? 'dial failed'}`, 'bad');
    case 'connection.closed':
      return event.error === undefined ? [] : note(`✗ ${event.error}`, 'bad');
    case 'connection.stale':
      return note(`✗ ${event.text ?? event.kind}`, 'bad');
    case 'endpoint.dialing':
      return [endpointArrow(event, 'connect', 'arrived', 'to')];
    case 'endpoint.connected':
      return [endpointArrow(event, 'connected', 'arrived', 'from')];
    case 'endpoint.failed':
      return note(`✗ ${event.error ?? 'connect failed'}`, 'bad');
    case 'webhook.failed':
      return note(`✗ webhook ${event.webhook}: ${event.error ?? ''}`, 'bad');
    case 'endpoint.closed':
      return [endpointArrow(event, 'closed', 'both', 'to')];
    case 'dial.established':
    case 'webhook.answered':
      return [];
    default:
      return isSetback(event) ? note(`✗ ${mishapText(event)}`, 'bad') : [];
  }
}

/** True for an event of a part or flow that needs a note. */
function isSetback(
  event: Exclude<Doing, { kind: ConnectionEvent['kind'] | RequestEvent['kind'] | WebhookEvent['kind'] }>,
): boolean {
  switch (event.kind) {
    case 'peer.refused':
    case 'role.stopped':
    case 'role.killed':
    case 'agent.disconnected':
    case 'agent.draining':
    case 'backend.disconnected':
    case 'certificates.rejected':
    case 'fault.hit':
      return true;
    case 'apiserver.leaving':
    case 'apiservers.resized':
    case 'apiservers.moved':
    case 'store.connected':
    case 'store.lost':
    case 'watch.broken':
    case 'watch.started':
    case 'watch.resumed':
    case 'watch.relisted':
    case 'servers.counted':
    case 'lease.acquired':
    case 'lease.released':
    case 'lease.collected':
    case 'lease.failed':
    case 'lab.ready':
    case 'lab.stopped':
    case 'role.started':
    case 'agent.connecting':
    case 'agent.connected':
    case 'agent.retry':
    case 'backend.connected':
    case 'backend.draining':
    case 'certificates.renewed':
    case 'frontend.opened':
    case 'frontend.closed':
    case 'ping.sent':
    case 'ping.answered':
    case 'ping.unanswered':
    case 'flow.opened':
    case 'flow.refused':
    case 'flow.forgotten':
    case 'flow.lost':
    case 'flow.closed':
    case 'fault.set':
    case 'fault.healed':
      return false;
  }
}

type RequestDoing = Extract<Doing, { verb?: string }>;

function requestStarted(
  event: RequestDoing,
  lane: Lane,
  note: (text: string, tone: Tone) => NoteStep[],
): (ArrowStep | NoteStep)[] {
  const path = event.path?.split('?')[0];
  const protocol = event.protocol === undefined ? undefined : `(${event.protocol})`;
  const text = [event.verb, path, protocol].filter((part) => part !== undefined).join(' ');
  if (!comesFromClient(event, lane)) return note(text, 'request');
  const route = { from: 'client', to: lane } as const;
  const arrow: ArrowStep = {
    kind: 'arrow',
    t: event.t,
    ...route,
    ...plainArrow,
    name: event.verb ?? 'request',
  };
  return path === undefined ? [arrow] : [arrow, ...note([path, protocol ?? ''].join(' '), 'request')];
}

const plainArrow = { details: [], tone: 'request', head: 'arrived' } as const;

function comesFromClient(event: RequestDoing, lane: Lane): boolean {
  return lane === 'apiserver' && event.peer?.startsWith('client/') === true;
}

/** The arrow of the answer to the client, when the picture has a client. */
function answerArrow(event: RequestDoing, lane: Lane, tone: Tone): ArrowStep[] | undefined {
  if (!comesFromClient(event, lane)) return undefined;
  const route = { from: lane, to: 'client' } as const;
  return [{ kind: 'arrow', t: event.t, ...route, ...plainArrow, tone, name: outcomeText(event) }];
}

function outcomeText(event: RequestDoing): string {
  if (event.exitCode !== undefined) return `exit ${event.exitCode}`;
  return event.status === undefined ? 'done' : `status ${event.status}`;
}

/** `agent/node-1` and a reason → `picks node-1: reason`, unless the reason names the agent itself. */
function choiceText(peer: string | undefined, because: string): string {
  const name = peer?.slice(peer.indexOf('/') + 1);
  return name === undefined || because.includes(name) ? because : `picks ${name}: ${because}`;
}

function mishapText(event: Doing & { error?: string }): string {
  if (event.kind === 'fault.hit')
    return `${event.fault}: ${event.text ?? event.action} on ${event.link ?? event.part ?? ''}`;
  const what = event.kind.replace(/^role\./, '').replace('.', ' ');
  return [what, event.error].filter((part) => part !== undefined).join(': ');
}

function endpointArrow(event: Doing, name: string, head: 'arrived' | 'both', way: 'to' | 'from'): ArrowStep {
  const [from, to]: [Lane, Lane] = way === 'to' ? ['agent', 'kubelet'] : ['kubelet', 'agent'];
  return { kind: 'arrow', t: event.t, from, to, name: `TCP ${name}`, details: [], tone: 'plain', head };
}

/** `d:4857 is dial ID 8897718490787564857`, for each dial of the picture. */
export function dialLegend(entries: readonly RequestEventEntry[]): string[] {
  return dialsIn(entries).map((id) => `${shortDial(id)} = dial ID ${id}`);
}
