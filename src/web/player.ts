import { batch, computed, effect, signal } from '@preact/signals';
import { EvenTime, momentsOf } from './model/pace.js';
import {
  lab,
  mode,
  now,
  page,
  request,
  requests,
  second,
  selectedSeq,
  source,
  theJournal,
  version,
} from './store.js';

/** How fast a replay goes: `even` lets each step be seen, a number is lab time per shown time. */
export const speed = signal<'even' | number>('even');
/** Whether a request that ends is replayed by itself, so that it can be seen. */
export const replays = signal(true);

/** The time line of the selected request on which each step can be seen. */
export const evenTime = computed(() => {
  void version.value;
  return request.value === undefined ? undefined : new EvenTime(momentsOf(theJournal(), request.value));
});

const motion = matchMedia('(prefers-reduced-motion: reduce)');
export const reducedMotion = signal(motion.matches);
motion.addEventListener('change', ({ matches }) => {
  reducedMotion.value = matches;
});

/** Runs the clock of the page: replays, and the lab's time while nothing happens. */
export function startPlayer(): void {
  let before = performance.now();
  const frame = (at: number): void => {
    const elapsedMs = Math.min(100, at - before);
    before = at;
    if (mode.value === 'playing') (reducedMotion.value ? advanceStill : advance)(elapsedMs);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  setInterval(tick, 250);
  effect(watchRequests);
}

/** How long each step of a replay stands where nothing may move, ms. */
const standMs = 900;
let stood = 0;

/** Where nothing may move, a replay goes from one still picture to the next. */
function advanceStill(elapsedMs: number): void {
  stood += elapsedMs;
  if (stood < standMs || request.value === undefined) return;
  stood = 0;
  const next = stopsOf(request.value.id).find((t) => t > now.value + 0.001);
  if (next === undefined) finish();
  else now.value = next;
}

function advance(elapsedMs: number): void {
  const end = request.value?.end ?? theJournal().end;
  const even = evenTime.value;
  now.value =
    speed.value === 'even' && even !== undefined
      ? Math.max(now.value, even.time(even.place(now.value) + elapsedMs))
      : Math.min(end, now.value + elapsedMs * Number(speed.value));
  if (now.value >= end) finish();
}

/** A replay in front of a live lab goes back to it; one of a recording stays at its end. */
function finish(): void {
  mode.value = source.value === 'live' ? 'live' : 'paused';
  if (mode.value === 'live') goLive();
}

let labAt = { t: 0, wall: 0, scale: 1 };

/** Lab time goes on between events. */
function tick(): void {
  if (mode.value !== 'live' || source.value !== 'live') return;
  const t = labAt.t + (performance.now() - labAt.wall) * labAt.scale;
  if (Math.floor(t / 1000) * 1000 !== second.value || t < now.value)
    now.value = Math.max(t, theJournal().end);
}

effect(() => {
  const cluster = lab.value;
  if (cluster !== undefined) labAt = { t: cluster.nowMs, wall: performance.now(), scale: cluster.timeScale };
});

export function goLive(): void {
  batch(() => {
    mode.value = 'live';
    selectedSeq.value = undefined;
    now.value = Math.max(theJournal().end, labAt.t + (performance.now() - labAt.wall) * labAt.scale);
  });
}

const seen = new Set<string>();

/** A request that began and ended while the page was open is replayed once. */
function watchRequests(): void {
  const ended = requests.value.filter(({ outcome }) => outcome !== 'open');
  const fresh = ended.filter(({ id }) => !seen.has(id));
  for (const { id } of fresh) seen.add(id);
  const newest = fresh.at(-1);
  const isNew = newest !== undefined && newest.start >= (lab.peek()?.nowMs ?? Infinity);
  if (!isNew || source.peek() !== 'live' || !replays.peek() || mode.peek() !== 'live' || reducedMotion.peek())
    return;
  // The close of the connection follows the end of the request.
  setTimeout(() => {
    if (mode.peek() === 'live' && request.peek()?.id === newest.id) play();
  }, 150);
}

export function play(): void {
  const shown = request.peek();
  if (shown === undefined) return;
  batch(() => {
    page.value = 'map';
    if (now.peek() >= (shown.end ?? theJournal().end) || now.peek() < shown.start) now.value = shown.start;
    mode.value = 'playing';
  });
}

export function playOrPause(): void {
  if (mode.value === 'playing') mode.value = 'paused';
  else play();
}

export function seek(t: number): void {
  batch(() => {
    mode.value = 'paused';
    now.value = t;
    selectedSeq.value = undefined;
  });
}

export function toStart(): void {
  if (request.value !== undefined) seek(request.value.start);
}

/** To the next or the last thing that can be seen: half-way of a packet, or an event. */
export function step(way: 1 | -1): void {
  const shown = request.value;
  if (shown === undefined) return;
  const inside = now.value >= shown.start && now.value <= (shown.end ?? theJournal().end);
  const from = inside && mode.value !== 'live' ? now.value : way === 1 ? shown.start - 1 : Infinity;
  const stops = stopsOf(shown.id);
  const next = way === 1 ? stops.find((t) => t > from + 0.001) : stops.findLast((t) => t < from - 0.001);
  if (next !== undefined) seek(next);
}

function stopsOf(id: string): readonly number[] {
  const packets = theJournal().passages.list.filter((passage) => passage.request === id);
  const halves = packets.map(({ hop }) => hop.t + ((hop.arrivedAt ?? hop.t) - hop.t) * 0.5);
  const shown = request.value;
  const ends = shown === undefined ? [] : [shown.start, shown.end ?? theJournal().end];
  return [...new Set([...halves, ...ends])].sort((a, b) => a - b);
}
