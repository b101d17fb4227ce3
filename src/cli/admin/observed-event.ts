import type { EventBody, LabEvent } from '../../core/events.js';
import type { Event, Event__Output } from '../../wire/gen/konnsim/observe/v1/Event.js';
import type { Value } from '../../wire/gen/konnsim/observe/v1/Value.js';

/** Event fields that have their own field in the message. */
const placed = new Set(['seq', 't', 'kind', 'node']);

/** `wallMs` is the event's time by the wall clock of its process. */
export function encodeEvent(event: LabEvent, wallMs: number): Event {
  const fields: Record<string, Value> = {};
  for (const [name, value] of Object.entries(event)) {
    if (placed.has(name) || value === undefined) continue;
    fields[name] = typeof value === 'number' ? { number: value } : { text: String(value) };
  }
  return { seq: String(event.seq), wallMs, kind: event.kind, node: event.node, fields };
}

/** An event of another process. Its `t` is its wall time, because it is not in our journal. */
export function decodeEvent({ seq, wallMs, kind, node, fields }: Event__Output): LabEvent {
  const more = Object.entries(fields).map(([name, { value, number, text }]) => [
    name,
    value === 'number' ? number : (text ?? ''),
  ]);
  const body = { kind, node, ...Object.fromEntries(more) } as EventBody;
  return { ...body, seq: Number(seq), t: wallMs };
}
