import { TunnelError } from '../core/errors.js';
import type { EventKind, LabEvent } from '../core/events.js';
import { type EventOf, type EventPattern, matches } from './event-match.js';
import type { Journal, WaitOptions } from './journal.js';
import { eventLine, missLines, wantedText } from './wait-text.js';

/** Options of `expectEvents`. */
export interface ExpectOptions extends WaitOptions {
  /**
   * `strict`: each event is later than the one of the pattern before; others may come between. `any`: each pattern has an
   * event of its own, in any order. Default `strict`.
   */
  readonly order?: 'strict' | 'any';
  /** What must not happen before the last expected event. With no pattern to wait for: what has not happened yet. */
  readonly none?: readonly EventPattern[];
}

/** One pattern for each kind. */
export type PatternsOf<K extends readonly EventKind[]> = { readonly [I in keyof K]: EventPattern<K[I]> };

/** The events that matched, one for each pattern, in the order of the patterns. */
export type EventsOf<K extends readonly EventKind[]> = { readonly [I in keyof K]: EventOf<K[I]> };

const defaultWithinMs = 5000;

/** Waits until a journal has an event for each pattern. Rejects as `Lab.expectEvents` says. */
export async function expectEvents<const K extends readonly EventKind[]>(
  journal: Journal,
  patterns: PatternsOf<K>,
  options: ExpectOptions = {},
): Promise<EventsOf<K>> {
  const { order = 'strict', none = [], since = 0, withinMs = defaultWithinMs } = options;
  options.signal?.throwIfAborted();
  // A mapped type over a list is a list, which the compiler cannot tell while K is open.
  const wanted = patterns as unknown as readonly EventPattern[];
  const found = order === 'strict' ? new InOrder(wanted) : new AnyOrder(wanted);
  const unwanted: LabEvent[] = [];
  const over = (event: LabEvent): boolean => {
    if (none.some((pattern) => matches(pattern, event))) unwanted.push(event);
    else found.take(event);
    return unwanted.length > 0 || (wanted.length > 0 && found.missing === undefined);
  };
  const soFar = (): LabEvent[] => journal.events().filter(({ seq }) => seq > since);
  if (!soFar().some(over) && found.missing !== undefined) {
    await journal.waitFor(over, { ...options, since: journal.mark(), withinMs }).catch((error: unknown) => {
      if (!(error instanceof TunnelError) || error.code !== 'WAIT_TIMEOUT') throw error;
      throw new TunnelError('WAIT_TIMEOUT', missingText(found, withinMs, soFar()), { where: 'journal' });
    });
  }
  const [first] = unwanted;
  if (first !== undefined) {
    throw new TunnelError('EXPECTATION_FAILED', unwantedText(found, first), { where: 'journal' });
  }
  return found.events as unknown as EventsOf<K>;
}

/** Patterns, and the events that were found for them. */
interface Search {
  readonly patterns: readonly EventPattern[];
  /** The event of each pattern; undefined for those that are missing. */
  readonly events: readonly (LabEvent | undefined)[];
  /** The first pattern without an event. */
  readonly missing: EventPattern | undefined;
  /** The events before this one cannot be those of `missing`. */
  readonly after: LabEvent | undefined;
  take(event: LabEvent): void;
}

class InOrder implements Search {
  readonly patterns: readonly EventPattern[];
  readonly events: LabEvent[] = [];

  constructor(patterns: readonly EventPattern[]) {
    this.patterns = patterns;
  }

  get missing(): EventPattern | undefined {
    return this.patterns[this.events.length];
  }

  get after(): LabEvent | undefined {
    return this.events.at(-1);
  }

  take(event: LabEvent): void {
    if (this.missing !== undefined && matches(this.missing, event)) this.events.push(event);
  }
}

/** Gives an event to another pattern when that frees it for one that has none: a wide pattern takes no narrow one's event. */
class AnyOrder implements Search {
  readonly patterns: readonly EventPattern[];
  readonly after = undefined;
  /** For each pattern, the first events that match it. As many as there are patterns are enough. */
  private readonly candidates: readonly LabEvent[][];
  private readonly owners = new Map<LabEvent, number>();

  constructor(patterns: readonly EventPattern[]) {
    this.patterns = patterns;
    this.candidates = patterns.map(() => []);
  }

  get events(): readonly (LabEvent | undefined)[] {
    const found = new Map([...this.owners].map(([event, index]) => [index, event]));
    return this.patterns.map((_, index) => found.get(index));
  }

  get missing(): EventPattern | undefined {
    const found = new Set(this.owners.values());
    return this.patterns.find((_, index) => !found.has(index));
  }

  take(event: LabEvent): void {
    for (const [index, pattern] of this.patterns.entries()) {
      const known = this.candidates[index] ?? [];
      if (known.length < this.patterns.length && matches(pattern, event)) known.push(event);
    }
    const found = new Set(this.owners.values());
    for (const index of this.patterns.keys()) if (!found.has(index)) this.give(index, new Set());
  }

  /** True when the pattern got an event. */
  private give(index: number, tried: Set<LabEvent>): boolean {
    for (const event of this.candidates[index] ?? []) {
      if (tried.has(event)) continue;
      tried.add(event);
      const owner = this.owners.get(event);
      if (owner !== undefined && !this.give(owner, tried)) continue;
      this.owners.set(event, index);
      return true;
    }
    return false;
  }
}

function missingText(search: Search, withinMs: number, events: readonly LabEvent[]): string {
  const { missing, after } = search;
  if (missing === undefined) return '';
  const isLate = ({ seq }: LabEvent): boolean => after === undefined || seq > after.seq;
  const early = events.findLast((event) => !isLate(event) && event !== after && matches(missing, event));
  return [
    `no ${wantedText(missing)} within ${withinMs} ms`,
    ...foundLines(search),
    ...(early === undefined ? [] : [`out of order: ${eventLine(early)}`]),
    ...missLines(missing, events.filter(isLate)),
  ].join('\n');
}

function unwantedText(search: Search, unwanted: LabEvent): string {
  return [`this was not to happen: ${eventLine(unwanted)}`, ...foundLines(search)].join('\n');
}

function foundLines({ patterns, events }: Search): string[] {
  return patterns.map((pattern, index) => {
    const event = events[index];
    return event === undefined ? `  missing  ${wantedText(pattern)}` : `  found    ${eventLine(event)}`;
  });
}
