import type { EventKind, LabEvent } from '../core/events.js';

/** The event type behind one kind. */
export type EventOf<K extends EventKind> = LabEvent extends infer E
  ? E extends { readonly kind: infer Kinds }
    ? K extends Kinds
      ? E & { readonly kind: K }
      : never
    : never
  : never;

/** What a field must be: the value itself, a text in which `*` stands for anything, or a regular expression. */
export type FieldMatch = string | number | RegExp;

type FieldName = LabEvent extends infer E ? (E extends unknown ? Exclude<keyof E, 'kind'> : never) : never;

/** A kind and the fields that must match; fields not named may be anything. */
export type EventPattern<K extends EventKind = EventKind> = { readonly kind: K } & {
  readonly [F in FieldName]?: FieldMatch;
};

/** The fields in which an event of the right kind differs from a pattern; empty when it matches. */
export function mismatches(pattern: EventPattern, event: LabEvent): string[] {
  const fields = Object.entries(pattern).filter(([field]) => field !== 'kind');
  const actual = new Map(Object.entries(event) as [string, string | number | undefined][]);
  return fields.filter(([field, wanted]) => !fieldMatches(wanted, actual.get(field))).map(([field]) => field);
}

/** True when kind and all named fields match. */
export function matches(pattern: EventPattern, event: LabEvent): boolean {
  return event.kind === pattern.kind && mismatches(pattern, event).length === 0;
}

function fieldMatches(wanted: FieldMatch | undefined, actual: string | number | undefined): boolean {
  if (wanted === undefined) return true;
  if (actual === undefined) return false;
  // A pattern may come with the `g` flag, whose memory of the last hit must not decide.
  if (wanted instanceof RegExp)
    return new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, '')).test(String(actual));
  if (typeof wanted === 'number' || !wanted.includes('*')) return String(actual) === String(wanted);
  return glob(wanted).test(String(actual));
}

function glob(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
