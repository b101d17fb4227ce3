import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventBody, EventKind, EventSink, LabEvent } from '../core/events.js';
import { type EventOf, type EventPattern, matches } from './event-match.js';
import { RequestLinks } from './request-links.js';
import { Ring } from './ring.js';
import { timeoutText } from './wait-text.js';

/** True for the event that is waited for. */
export type EventPredicate = (event: LabEvent) => boolean;

/** Options of `waitFor`. */
export interface WaitOptions {
  /** Only events after this mark count. Default 0: all events still in the journal. */
  readonly since?: number;
  /** How long to wait, ms of lab time. Default 5000. */
  readonly withinMs?: number;
  /** Aborting rejects the wait with the signal's reason. Default: the wait is not cancelled. */
  readonly signal?: AbortSignal;
}

/** The ordered list of all events of a lab. */
export interface Journal {
  /** Adds an event, with its number and its time. Never throws. */
  readonly emit: EventSink;
  /** The events still in the journal, oldest first. */
  events(): readonly LabEvent[];
  /** The number of the newest event. Give it as `since` to wait for later events. */
  mark(): number;
  /** The clock's time at which `t` is 0. */
  readonly startedAt: number;
  /** How many old events were dropped because the journal was full. */
  readonly dropped: number;
  /**
   * Resolves with the first event after `since` that matches, in the journal or later. Rejects with WAIT_TIMEOUT, whose
   * text shows the event that matched best and the last events, or with LAB_STOPPED when the journal is closed.
   */
  waitFor<K extends EventKind>(wanted: EventPattern<K>, options?: WaitOptions): Promise<EventOf<K>>;
  waitFor(wanted: EventPredicate, options?: WaitOptions): Promise<LabEvent>;
  /** Calls `listener` for each later event, in order. Call the returned function to end that. */
  subscribe(listener: (event: LabEvent) => void): () => void;
  /** Ends all waits and subscriptions. Events can still be added and read. */
  close(): void;
}

export interface JournalOptions {
  readonly clock: Clock;
  /** How many events it holds; it drops the oldest first. Default 20 000. */
  readonly capacity?: number;
}

const defaultCapacity = 20_000;
const defaultWithinMs = 5000;

/** Creates an empty journal. Its time begins now. */
export function createJournal(options: JournalOptions): Journal {
  return new RingJournal(options.clock, options.capacity ?? defaultCapacity);
}

class RingJournal implements Journal {
  private readonly clock: Clock;
  readonly startedAt: number;
  private readonly ring: Ring<LabEvent>;
  private readonly requests = new RequestLinks();
  private readonly listeners = new Set<(event: LabEvent) => void>();
  private readonly stops = new Set<() => void>();
  private seq = 0;
  private closed = false;

  constructor(clock: Clock, capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new TunnelError('CONFIG_INVALID', `a journal cannot hold ${capacity} events`, {
        where: 'journal capacity',
      });
    }
    this.clock = clock;
    this.startedAt = clock.now();
    this.ring = new Ring(capacity);
  }

  readonly emit = (body: EventBody): void => {
    this.seq += 1;
    const place = { seq: this.seq, t: this.clock.now() - this.startedAt };
    const request = this.requests.of(body);
    const event: LabEvent = request === undefined ? { ...body, ...place } : { ...body, request, ...place };
    this.ring.push(event);
    for (const listener of [...this.listeners]) this.tell(listener, event);
  };

  get dropped(): number {
    return this.ring.dropped;
  }

  events(): readonly LabEvent[] {
    return this.ring.toArray();
  }

  mark(): number {
    return this.seq;
  }

  subscribe(listener: (event: LabEvent) => void): () => void {
    // Wrapped so that subscribing one function twice makes two subscriptions.
    const own = (event: LabEvent): void => listener(event);
    if (!this.closed) this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  waitFor<K extends EventKind>(wanted: EventPattern<K>, options?: WaitOptions): Promise<EventOf<K>>;
  waitFor(wanted: EventPredicate, options?: WaitOptions): Promise<LabEvent>;
  async waitFor(wanted: EventPattern | EventPredicate, options: WaitOptions = {}): Promise<LabEvent> {
    options.signal?.throwIfAborted();
    const since = options.since ?? 0;
    const fits = typeof wanted === 'function' ? wanted : (event: LabEvent) => matches(wanted, event);
    const past = this.events().find((event) => event.seq > since && fits(event));
    if (past !== undefined) return past;
    if (this.closed) throw stopped();
    return this.waitForNext(fits, options, (withinMs) =>
      timeoutText({ wanted, withinMs, events: this.events().filter((event) => event.seq > since) }),
    );
  }

  close(): void {
    this.closed = true;
    for (const stop of [...this.stops]) stop();
    this.listeners.clear();
  }

  private waitForNext(
    fits: EventPredicate,
    options: WaitOptions,
    textAfter: (withinMs: number) => string,
  ): Promise<LabEvent> {
    const { signal, withinMs = defaultWithinMs } = options;
    return new Promise((resolve, reject) => {
      const settle = (how: () => void): void => {
        unsubscribe();
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.stops.delete(onStop);
        how();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const onStop = (): void => settle(() => reject(stopped()));
      const unsubscribe = this.subscribe((event) => {
        try {
          if (fits(event)) settle(() => resolve(event));
        } catch (error) {
          settle(() => reject(error));
        }
      });
      const timer = this.clock.after(withinMs, () =>
        settle(() => reject(new TunnelError('WAIT_TIMEOUT', textAfter(withinMs), { where: 'journal' }))),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      this.stops.add(onStop);
    });
  }

  /** A listener that throws is removed, with a warning, so that the part which reports is not disturbed. */
  private tell(listener: (event: LabEvent) => void, event: LabEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.listeners.delete(listener);
      process.emitWarning(`a listener of the journal failed and was removed: ${String(error)}`);
    }
  }
}

function stopped(): TunnelError {
  return new TunnelError('LAB_STOPPED', 'the lab stopped while an event was awaited', { where: 'journal' });
}
