import type { EventKind, LabEvent } from '../core/events.js';
import type { EventOf, EventPattern } from '../observe/event-match.js';
import {
  type EventsOf,
  type ExpectOptions,
  expectEvents,
  type PatternsOf,
} from '../observe/expect-events.js';
import { explainRequest } from '../observe/explain/explain-request.js';
import type { Explanation } from '../observe/explain/explanation.js';
import type { EventPredicate, Journal, WaitOptions } from '../observe/journal.js';
import { drawLadder, type LadderOptions } from '../observe/ladder.js';

/** What a lab says of its journal. */
export class LabJournal {
  private readonly journal: Journal;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** The events in the journal, oldest first. The journal drops the oldest when it is full. */
  events(): readonly LabEvent[] {
    return this.journal.events();
  }

  /** The `seq` of the newest event. Give it as `since` to `waitFor`. */
  mark(): number {
    return this.journal.mark();
  }

  /**
   * Resolves with the first event after `since` that matches. Default: any event still in the journal, or a later one,
   * for 5000 ms of lab time. Rejects with WAIT_TIMEOUT, whose text shows the event that matched best, with LAB_STOPPED,
   * or with the reason of `signal`.
   */
  waitFor<K extends EventKind>(wanted: EventPattern<K>, options?: WaitOptions): Promise<EventOf<K>>;
  waitFor(wanted: EventPredicate, options?: WaitOptions): Promise<LabEvent>;
  waitFor(wanted: EventPattern | EventPredicate, options?: WaitOptions): Promise<LabEvent> {
    return this.journal.waitFor(wanted as EventPredicate, options);
  }

  /**
   * Resolves with the first events after `since` that match, one for each pattern: in the order of the patterns, with any
   * events between them, or in any order. Rejects with WAIT_TIMEOUT, whose text names the first that is missing and the event
   * that matched best; with EXPECTATION_FAILED at once when one of `none` happens before the last of them; or as `waitFor`.
   */
  expectEvents<const K extends readonly EventKind[]>(
    patterns: PatternsOf<K>,
    options?: ExpectOptions,
  ): Promise<EventsOf<K>> {
    return expectEvents<K>(this.journal, patterns, options);
  }

  /** Calls `listener` for each later event. Call the returned function to end that. */
  onEvent(listener: (event: LabEvent) => void): () => void {
    return this.journal.subscribe(listener);
  }

  /** Draws the packets of one request as text: a column for each part, a row for each packet. */
  ladder(request: string, options?: LadderOptions): string {
    return drawLadder(this.events(), { request }, options);
  }

  /**
   * Explains why a request failed, from the events in the journal; without a name, the last that failed. Throws
   * REQUEST_NOT_FOUND.
   */
  explain(request?: string): Explanation {
    return explainRequest(this.events(), request);
  }
}
