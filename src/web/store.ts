import { batch, computed, signal } from '@preact/signals';
import type { Cluster } from '../control/contract.js';
import type { LabEvent } from '../core/events.js';
import { type EventTest, parseFilter } from '../observe/event-filter.js';
import { WebJournal } from './model/journal.js';
import type { RequestState } from './model/requests.js';
import type { State } from './model/state.js';

/** What the page looks at. One journal, one moment of it, one request, one filter: all views show these. */

let journal = new WebJournal();

/** Grows with each burst of events. */
export const version = signal(0);
/** The moment that is shown, lab ms. */
export const now = signal(0);
/** `live` follows the newest event; `paused` and `playing` show a moment of the past. */
export const mode = signal<'live' | 'paused' | 'playing'>('live');
export const source = signal<'connecting' | 'live' | 'lost' | 'ended' | 'file'>('connecting');
export const lab = signal<Cluster | undefined>(undefined);
export const fileName = signal('');
export const dropped = signal(0);
/** The request that is selected; without a choice, the newest. */
export const chosenRequest = signal<string | undefined>(undefined);
export const selectedSeq = signal<number | undefined>(undefined);
export const filterText = signal('');
export const page = signal<'map' | 'explain'>('map');
export const problem = signal('');

export const theJournal = (): WebJournal => journal;

/** How many events have happened at the moment that is shown. */
export const shownCount = computed(() => {
  void version.value;
  return mode.value === 'live' ? journal.events.length : journal.countAt(now.value);
});

export const state = computed<State>(() => {
  void version.value;
  return journal.stateAfter(shownCount.value);
});

export const requests = computed<RequestState[]>(() => {
  void version.value;
  return journal.requests.list();
});

export const request = computed<RequestState | undefined>(() => {
  void version.value;
  return journal.requests.get(chosenRequest.value) ?? requests.value.at(-1);
});

/** The moment in whole seconds, for what changes once a second. */
export const second = computed(() => Math.floor(now.value / 1000) * 1000);

interface Filter {
  readonly test?: EventTest;
  readonly error?: string;
}

export const filter = computed<Filter>(() => {
  const text = filterText.value.trim();
  if (text === '') return {};
  try {
    return { test: parseFilter(text) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
});

/** Another lab, or a recording: nothing of the earlier journal is left. */
export function restart(): void {
  batch(() => {
    journal = new WebJournal();
    version.value += 1;
    now.value = 0;
    mode.value = 'live';
    chosenRequest.value = undefined;
    selectedSeq.value = undefined;
    dropped.value = 0;
    page.value = 'map';
  });
}

/** So many events are kept of a live lab; then half of them go. A recording is kept whole. */
const mostEvents = 200_000;

export function addEvents(events: readonly LabEvent[]): void {
  batch(() => {
    journal.add(events);
    if (journal.events.length > mostEvents && source.value !== 'file') {
      journal = journal.without(mostEvents / 2);
      dropped.value += mostEvents / 2;
    }
    version.value += 1;
    if (mode.value === 'live') now.value = Math.max(now.value, journal.end);
  });
}
