import type { LabEvent } from '../../core/events.js';
import { Passages } from './hops.js';
import { reduce } from './reduce.js';
import { RequestIndex } from './requests.js';
import { emptyState, roleOf, type State } from './state.js';

/** A state is kept for each so many events; a state between two of them is computed from the earlier one. */
const stride = 500;

/** The events of a lab or of a recording, and what can be seen of them at any moment. */
export class WebJournal {
  readonly events: LabEvent[] = [];
  readonly passages = new Passages();
  readonly requests = new RequestIndex();
  /** The roles that report packets which they receive: only there a missing report means something. */
  readonly reporting = new Set<string>();
  private readonly kept: State[];
  private last: State;
  private cached: State;
  private cachedIndex = 0;
  private readonly base: State;

  /** `base` is the state before the first event. */
  constructor(base: State = emptyState) {
    this.base = base;
    this.kept = [base];
    this.last = base;
    this.cached = base;
  }

  /** The same without its first `count` events, as the memory of a page is bounded. */
  without(count: number): WebJournal {
    const shorter = new WebJournal(this.stateAfter(count));
    shorter.add(this.events.slice(count));
    return shorter;
  }

  /** Adds events that follow the last one. An event that is there already is left out. */
  add(events: readonly LabEvent[]): void {
    let newest = this.events.at(-1)?.seq ?? this.base.seq;
    for (const event of events) {
      if (event.seq <= newest) continue;
      newest = event.seq;
      this.events.push(event);
      this.passages.add(event);
      this.requests.add(event);
      if (event.kind === 'packet' && event.dir === 'in') this.reporting.add(roleOf(event.node));
      this.last = reduce(this.last, event);
      if (this.events.length % stride === 0) this.kept.push(this.last);
    }
  }

  get end(): number {
    return this.last.t;
  }

  /** The state after the first `count` events. */
  stateAfter(count: number): State {
    if (count >= this.events.length) return this.last;
    const from = Math.floor(count / stride);
    // Playing goes forward: the state before is nearly always the nearest one.
    const isNear = this.cachedIndex <= count && this.cachedIndex >= from * stride;
    let state = isNear ? this.cached : (this.kept[from] ?? this.base);
    for (let index = isNear ? this.cachedIndex : from * stride; index < count; index += 1) {
      const event = this.events[index];
      if (event !== undefined) state = reduce(state, event);
    }
    this.cached = state;
    this.cachedIndex = count;
    return state;
  }

  /** How many events happened until this time, lab ms. */
  countAt(t: number): number {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.t ?? 0) <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  bySeq(seq: number): LabEvent | undefined {
    const first = this.events[0]?.seq ?? 1;
    const guess = this.events[seq - first];
    return guess?.seq === seq ? guess : this.events.find((event) => event.seq === seq);
  }
}
