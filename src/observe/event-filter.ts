import { TunnelError } from '../core/errors.js';
import { eventKinds } from '../core/event-kinds.js';
import type { LabEvent } from '../core/events.js';
import { type EventField, fieldMatches } from './event-match.js';

/** True for the events that a filter lets through. */
export type EventTest = (event: LabEvent) => boolean;

/** Every field, so that a misspelt one is an error. */
const known: Readonly<Record<EventField | 'kind', true>> = {
  ...{ seq: true, t: true, kind: true, node: true, peer: true, request: true, dialId: true, connectId: true },
  ...{
    text: true,
    dir: true,
    packet: true,
    bytes: true,
    address: true,
    local: true,
    error: true,
    code: true,
  },
  ...{
    step: true,
    delayMs: true,
    count: true,
    connections: true,
    strategies: true,
    identifiers: true,
    keepaliveMs: true,
  },
  ...{ reason: true, tried: true, durationMs: true, verb: true, path: true, protocol: true, status: true },
  ...{ exitCode: true, webhook: true, egress: true, policy: true, allowed: true, lease: true },
  ...{ resource: true, resourceVersion: true, blindMs: true, flow: true, link: true, verdict: true },
  ...{ idleMs: true, from: true, end: true, clientBytes: true, targetBytes: true, lostBytes: true },
  ...{ fault: true, action: true, document: true, part: true },
};

/** All fields of events, in alphabetical order. */
export const eventFields: readonly string[] = Object.keys(known).sort();

/**
 * Reads a filter: `kind:packet node:server/* request:exec-1`. All terms must hold. In a value, commas stand between
 * alternatives and `*` for any characters; a value with spaces stands in quotes. `-kind:packet` is "not so", and a word
 * without a field is looked for in all fields. Throws BAD_REQUEST, whose text names the term.
 */
export function parseFilter(text: string): EventTest {
  const terms = [...text.matchAll(/(-?)(?:(\w+):)?(?:"([^"]*)"|(\S+))/g)].map(
    ([, not = '', field, quoted, plain = '']) => {
      const test = termTest(field, quoted ?? plain, text);
      return not === '' ? test : (event: LabEvent) => !test(event);
    },
  );
  return (event) => terms.every((test) => test(event));
}

/** A test for one field, as `field:value` of a filter. Throws BAD_REQUEST for an unknown field or kind. */
export function fieldTest(field: string, value: string): EventTest {
  if (!Object.hasOwn(known, field)) {
    throw new TunnelError('BAD_REQUEST', `filter: events have no field ${field}`, {
      hint: `The fields are ${eventFields.join(', ')}.`,
    });
  }
  const wanted = value.split(',');
  const odd =
    field === 'kind' ? wanted.find((one) => !eventKinds.some((kind) => fieldMatches(one, kind))) : undefined;
  if (odd !== undefined) {
    throw new TunnelError('BAD_REQUEST', `filter: no event is of the kind ${odd}`, {
      hint: `The kinds are ${eventKinds.join(', ')}.`,
    });
  }
  return (event) => {
    const actual = Reflect.get(event, field) as string | number | undefined;
    return wanted.some((one) => fieldMatches(one, actual));
  };
}

function termTest(field: string | undefined, value: string, whole: string): EventTest {
  if (value.includes('"')) {
    throw new TunnelError('BAD_REQUEST', `filter: a quote is not closed in ${whole}`, {
      hint: 'A value with spaces stands in two quotes: text:"no agent".',
    });
  }
  if (field !== undefined) return fieldTest(field, value);
  const word = value.toLowerCase();
  return (event) => Object.values(event).some((one) => String(one).toLowerCase().includes(word));
}
