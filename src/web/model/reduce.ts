import type { LabEvent, LifecycleEvent } from '../../core/events.js';
import type { FaultDocument } from '../../links/fault-document.js';
import { reduceDial } from './reduce-dials.js';
import { reduceTunnel } from './reduce-tunnels.js';
import type { FaultState, PartState, State } from './state.js';

/** The state after an event. It depends on nothing but the journal, so that a recording looks like a live lab. */
export function reduce(state: State, event: LabEvent): State {
  const next = { ...state, seq: event.seq, t: event.t };
  switch (event.kind) {
    case 'lab.ready':
      return { ...next, stopped: false, ...seedOf(event.text) };
    case 'lab.stopped':
      return { ...next, stopped: true };
    case 'role.started':
    case 'role.stopped':
    case 'role.killed':
      return reduceTunnel({ ...next, parts: withPart(state.parts, event) }, event);
    case 'fault.set':
    case 'fault.hit':
    case 'fault.healed':
      return { ...next, faults: withFault(state.faults, event) };
    default:
      return reduceDial(reduceTunnel(next, event), event);
  }
}

function seedOf(text = ''): { readonly seed?: string } {
  const seed = /^seed (\d+)/.exec(text)?.[1];
  return seed === undefined ? {} : { seed };
}

type RoleEvent = LifecycleEvent & { readonly t: number };

function withPart(parts: State['parts'], event: RoleEvent): State['parts'] {
  const { node: id, kind, t, peer, address, keepaliveMs, count, strategies } = event;
  const earlier = parts.get(id);
  if (kind !== 'role.started') {
    // A killed part says that it stopped, too.
    const state = kind === 'role.killed' || earlier?.state === 'killed' ? 'killed' : 'stopped';
    return having(parts, id, { ...(earlier ?? { id }), state, since: t });
  }
  const part: PartState = {
    id,
    state: 'running',
    since: t,
    ...(address === undefined ? {} : { address }),
    ...(peer === undefined ? {} : { parent: peer }),
    ...(keepaliveMs === undefined ? {} : { keepaliveMs }),
    ...(count === undefined ? {} : { count }),
    ...(strategies === undefined ? {} : { strategies }),
  };
  return having(parts, id, part);
}

type FaultEvent = Extract<LabEvent, { fault: string }>;

function withFault(faults: State['faults'], event: FaultEvent): State['faults'] {
  const { fault: id, kind, action, t, seq } = event;
  const earlier: FaultState = faults.get(id) ?? { id, action, since: t, hits: 0 };
  if (kind === 'fault.healed') return having(faults, id, { ...earlier, healedAt: t });
  if (kind === 'fault.hit') {
    const hitText = event.link ?? event.part;
    return having(faults, id, {
      ...earlier,
      hits: earlier.hits + 1,
      lastHit: seq,
      ...(hitText === undefined ? {} : { hitText }),
    });
  }
  const document = parsed(event.document);
  return having(faults, id, {
    id,
    action,
    since: t,
    hits: 0,
    ...(document === undefined ? {} : { document }),
  });
}

function parsed(text: string | undefined): FaultDocument | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as FaultDocument);
  } catch {
    return undefined;
  }
}

/** A copy of a map with one entry changed. */
export function having<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}
