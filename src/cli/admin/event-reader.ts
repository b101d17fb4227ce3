import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import type { TlsFiles } from '../../wire/net/tls.js';
import { EventMerge, type PlacedEvent } from './event-merge.js';
import { type ObservePlace, type ObserveTarget, readEvents } from './observe-client.js';

export interface EventReaderOptions {
  readonly addresses: readonly string[];
  readonly tls: TlsFiles;
  readonly follow: boolean;
  readonly packets: boolean;
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly signal: AbortSignal;
  readonly event: (event: PlacedEvent) => void;
  /** Reports the state of a source, one line each. */
  readonly say: (line: string) => void;
}

/** How long to wait for a silent source before the others' events are printed, ms. */
const patienceMs = 1000;
const turnEveryMs = 100;
const retryAfterMs = 1000;

/**
 * Reads the events of several processes in one order. When following, it connects again to a source that goes away,
 * until `signal` aborts. Otherwise the first failure rejects, after the events of the others.
 */
export async function readMergedEvents(options: EventReaderOptions): Promise<void> {
  const { clock, wallNowMs, addresses, signal, follow } = options;
  // Past events are sorted together, however long they take to come.
  const merge = new EventMerge({
    patienceMs: follow ? patienceMs : Number.POSITIVE_INFINITY,
    release: options.event,
  });
  const turn = (): void => {
    merge.turn(wallNowMs());
    timer = clock.after(turnEveryMs, turn);
  };
  let timer = follow ? clock.after(turnEveryMs, turn) : undefined;
  for (const address of addresses) merge.join(address, 0, wallNowMs());
  try {
    const read = follow ? keepReading : readOnce;
    const ended = await Promise.allSettled(addresses.map((address) => read(address, merge, options)));
    merge.flush();
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined && !signal.aborted) throw failed.reason;
  } finally {
    timer?.cancel();
    timer = undefined;
  }
}

async function readOnce(address: string, merge: EventMerge, options: EventReaderOptions): Promise<void> {
  await readFrom(address, merge, { ...options, place: undefined, moved: () => undefined });
}

async function keepReading(address: string, merge: EventMerge, options: EventReaderOptions): Promise<void> {
  const { signal, clock, wallNowMs, say } = options;
  let place: ObservePlace | undefined;
  let told = '';
  while (!signal.aborted) {
    const moved = (to: ObservePlace): void => {
      place = to;
      told = '';
    };
    const why = await readFrom(address, merge, { ...options, place, moved }).then(
      () => 'the stream ended',
      (caught: unknown) => TunnelError.from(caught).message,
    );
    merge.leave(address, wallNowMs());
    if (signal.aborted) return;
    if (why !== told) say(`${address}: ${why}; trying again every ${retryAfterMs / 1000} s`);
    told = why;
    await pause(clock, retryAfterMs, signal);
  }
}

interface Reading extends EventReaderOptions {
  readonly place: ObservePlace | undefined;
  readonly moved: (to: ObservePlace) => void;
}

function readFrom(address: string, merge: EventMerge, reading: Reading): Promise<void> {
  const { tls, wallNowMs, follow, packets, signal, place, moved, say } = reading;
  const target: ObserveTarget = { address, tls, wallNowMs };
  return readEvents(target, {
    follow,
    packets,
    after: place,
    signal,
    joined: (offsetMs) => merge.join(address, offsetMs, wallNowMs()),
    batch: ({ run, sourceNowMs, missed, events }) => {
      if (missed > 0) say(`${address}: ${missed} older events are not held any more`);
      merge.add(address, { events, sourceNowMs }, wallNowMs());
      const last = events.at(-1);
      if (last !== undefined) moved({ run, seq: last.event.seq });
    },
  });
}
