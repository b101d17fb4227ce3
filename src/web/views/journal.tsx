import { computed, effect, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { LabEvent } from '../../core/events.js';
import { seek } from '../player.js';
import { dropped, filter, filterText, mode, selectedSeq, shownCount, theJournal, version } from '../store.js';
import { EventDetail } from './event-detail.js';
import { isBad, What, whoText } from './event-row.js';

const rowHeight = 24;
const overscan = 6;

const view = signal({ top: 0, height: 400 });
const following = signal(true);

/** The events that the filter lets through. Grows with the journal, and is made new only with another filter. */
const found = new (class {
  private list: LabEvent[] = [];
  private read = 0;
  private of: unknown;
  private by: unknown;

  events(all: readonly LabEvent[], test: ((event: LabEvent) => boolean) | undefined): readonly LabEvent[] {
    if (test === undefined) return all;
    if (this.of !== all || this.by !== test) Object.assign(this, { list: [], read: 0, of: all, by: test });
    for (; this.read < all.length; this.read += 1) {
      const event = all[this.read];
      if (event !== undefined && test(event)) this.list.push(event);
    }
    return this.list;
  }
})();

const rows = computed(() => {
  void version.value;
  const all = theJournal().events;
  const { test, error } = filter.value;
  const events = error === undefined ? found.events(all, test) : all;
  return {
    events,
    count: mode.value === 'live' ? events.length : countUntil(events, all[shownCount.value - 1]?.seq ?? 0),
  };
});

function countUntil(events: readonly LabEvent[], seq: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.seq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** All events as a table, with a filter. Only the rows in sight are in the document. */
export function JournalView(): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => follow(scroller), []);
  const { events, count } = rows.value;
  const total = theJournal().events.length;
  return (
    <section class="journal-panel" aria-label="Journal">
      <div class="head-line">
        <h2 class="sr">Journal</h2>
        <span class="soft">
          {filter.value.test === undefined ? `${total} events` : `${events.length} of ${total} events`}
        </span>
        <button
          type="button"
          class="quiet"
          aria-pressed={following.value}
          onClick={() => (following.value = !following.value)}
        >
          {following.value ? 'Following' : 'Follow'}
        </button>
      </div>
      <FilterBox />
      <div
        class="scroll"
        ref={scroller}
        tabIndex={0}
        aria-label="Events"
        onScroll={({ currentTarget: { scrollTop, clientHeight } }) =>
          (view.value = { top: scrollTop, height: clientHeight })
        }
        onWheel={() => (following.value = false)}
      >
        <Rows events={events} count={count} />
      </div>
      <EventDetail />
    </section>
  );
}

/** Keeps the newest row, or that of the moment that is shown, in sight, also when the table gets more or less room. */
function follow({ current: element }: { readonly current: HTMLDivElement | null }): () => void {
  if (element === null) return () => undefined;
  const place = (): void => {
    if (following.peek()) {
      const below = mode.peek() === 'live' ? 0 : 4 * rowHeight;
      element.scrollTop = Math.max(0, (rows.peek().count + 1) * rowHeight - element.clientHeight + below);
    }
    view.value = { top: element.scrollTop, height: element.clientHeight };
  };
  const resized = new ResizeObserver(place);
  resized.observe(element);
  const stop = effect(() => {
    void rows.value;
    void following.value;
    requestAnimationFrame(place);
  });
  return () => {
    stop();
    resized.disconnect();
  };
}

function FilterBox(): JSX.Element {
  const { error } = filter.value;
  return (
    <div class="find">
      <label for="filter" class="sr">
        Filter
      </label>
      <input
        id="filter"
        type="text"
        spellcheck={false}
        autocomplete="off"
        placeholder="kind:packet node:server/* request:exec-1"
        value={filterText.value}
        aria-invalid={error !== undefined}
        aria-describedby="filter-error"
        onInput={(event) => (filterText.value = event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
      <p id="filter-error" class="red" role="status">
        {error}
      </p>
    </div>
  );
}

function Rows({
  events,
  count,
}: {
  readonly events: readonly LabEvent[];
  readonly count: number;
}): JSX.Element {
  const { top, height } = view.value;
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const last = Math.min(events.length, first + Math.ceil(height / rowHeight) + 2 * overscan);
  const shown = events.slice(first, last);
  return (
    <table class="journal" aria-rowcount={events.length + 1}>
      <thead>
        <tr>
          <th scope="col" class="c1">
            #
          </th>
          <th scope="col" class="c2">
            time s
          </th>
          <th scope="col" class="c3">
            who
          </th>
          <th scope="col">what</th>
        </tr>
      </thead>
      <tbody>
        {dropped.value > 0 && (
          <tr>
            <td colSpan={4} class="soft">
              {dropped.value} older events are gone
            </td>
          </tr>
        )}
        <Space rows={first} />
        {shown.map((event, index) => (
          <Row
            key={event.seq}
            event={event}
            index={first + index}
            isFuture={first + index >= count}
            isCurrent={first + index === count - 1}
          />
        ))}
        <Space rows={events.length - last} />
      </tbody>
    </table>
  );
}

function Space({ rows: amount }: { readonly rows: number }): JSX.Element | null {
  if (amount <= 0) return null;
  return (
    <tr class="space" aria-hidden="true">
      <td colSpan={4} height={amount * rowHeight} />
    </tr>
  );
}

interface RowProps {
  readonly event: LabEvent;
  readonly index: number;
  readonly isFuture: boolean;
  readonly isCurrent: boolean;
}

function Row({ event, index, isFuture, isCurrent }: RowProps): JSX.Element {
  const chosen =
    selectedSeq.value === event.seq ||
    (selectedSeq.value === undefined && mode.value !== 'live' && isCurrent);
  return (
    <tr
      aria-rowindex={index + 2}
      aria-current={chosen ? 'true' : undefined}
      class={`${isBad(event) ? 'warn' : ''}${isFuture ? ' future' : ''}`}
    >
      <td class="n">
        <button
          type="button"
          class="row-link"
          aria-label={`Event ${event.seq} in full`}
          onClick={() => show(event)}
        >
          {event.seq}
        </button>
      </td>
      <td class="n">{(event.t / 1000).toFixed(3)}</td>
      <td>{whoText(event)}</td>
      <td>
        <What event={event} />
      </td>
    </tr>
  );
}

/** The moment of this event, on map and ladder. */
export function show(event: LabEvent): void {
  seek(event.t);
  selectedSeq.value = event.seq;
}
