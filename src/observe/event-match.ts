import type { EventKind, LabEvent } from '../core/events.js';

/** The type of the events of kind `K`. */
export type EventOf<K extends EventKind> = LabEvent extends infer E
  ? E extends { readonly kind: infer Kinds }
    ? K extends Kinds
      ? E & { readonly kind: K }
      : never
    : never
  : never;

/** What a field must match: a value, a text in which `*` matches any characters, or a regular expression. */
export type FieldMatch = string | number | RegExp;

/** The fields of events that a pattern can name. */
export type EventField = LabEvent extends infer E
  ? E extends unknown
    ? Exclude<keyof E, 'kind'>
    : never
  : never;

/** A kind, and the fields that must match. Fields that are left out match anything. */
export type EventPattern<K extends EventKind = EventKind> = {
  /** The kind of the event. */
  readonly kind: K;
} & {
  readonly [F in EventField]?: FieldMatch;
};

/** The fields in which an event of the same kind differs from a pattern. Empty when it matches. */
export function mismatches(pattern: EventPattern, event: LabEvent): string[] {
  const fields = Object.entries(pattern).filter(([field]) => field !== 'kind');
  const actual = new Map(Object.entries(event) as [string, string | number | undefined][]);
  return fields.filter(([field, wanted]) => !fieldMatches(wanted, actual.get(field))).map(([field]) => field);
}

/** True when kind and all named fields match. */
export function matches(pattern: EventPattern, event: LabEvent): boolean {
  return event.kind === pattern.kind && mismatches(pattern, event).length === 0;
}

/** True when a field has the value that is wanted; `*` in a text stands for any characters. */
export function fieldMatches(wanted: FieldMatch | undefined, actual: string | number | undefined): boolean {
  if (wanted === undefined) return true;
  if (actual === undefined) return false;
  // A regular expression with the `g` flag remembers its last match; that must not count here.
  if (wanted instanceof RegExp)
    return new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, '')).test(String(actual));
  if (typeof wanted === 'number' || !wanted.includes('*')) return String(actual) === String(wanted);
  return glob(wanted).test(String(actual));
}

function glob(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
