import type { Cluster } from '../../control/contract.js';
import type { StreamEnd } from '../../control/requests-contract.js';
import { TunnelError } from '../../core/errors.js';
import type { LabEvent } from '../../core/events.js';
import { headerLine } from '../../observe/recording.js';
import { eventLine } from '../../observe/wait-text.js';
import type { ControlClient } from './control-client.js';

export interface LiveEvents {
  readonly follow: boolean;
  readonly filter: string;
  readonly output: 'text' | 'ndjson' | 'recording';
  /** Resolves when there is room for more, so that a slow reader of the output slows the lab's stream down. */
  readonly print: (line: string) => Promise<void>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Prints the events of a lab that runs: those that it has, and with `follow` those to come. */
export async function printLiveEvents(client: ControlClient, options: LiveEvents): Promise<void> {
  const { output, print, follow } = options;
  if (output === 'recording') {
    const { startedAt, seed } = await client.get<Cluster>('/v1/cluster');
    await print(headerLine(Date.parse(startedAt), seed));
  }
  const show = (event: LabEvent): Promise<void> =>
    print(output === 'text' ? eventLine(event) : JSON.stringify(event));
  if (follow) await followed(client, options, show);
  else await pages(client, options, show);
}

type Show = (event: LabEvent) => Promise<void>;

async function pages(client: ControlClient, { filter, signal }: LiveEvents, show: Show): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    const path = `/v1/events?after=${after}&filter=${encodeURIComponent(filter)}`;
    const { events, next, newest } = await client.get<Page>(path);
    for (const event of events) await show(event);
    if (next >= newest || next === after) return;
    after = next;
  }
}

interface Page {
  readonly events: readonly LabEvent[];
  readonly next: number;
  readonly newest: number;
}

type Line = LabEvent | { readonly gap: { readonly lost: number } } | { readonly end: StreamEnd };

async function followed(
  client: ControlClient,
  { filter, signal, say }: LiveEvents,
  show: Show,
): Promise<void> {
  for await (const line of client.lines(`/v1/events?filter=${encodeURIComponent(filter)}`, signal)) {
    const what = JSON.parse(line) as Line;
    if ('kind' in what) await show(what);
    else if ('gap' in what) say(`note: ${what.gap.lost} older events are not in the journal any more`);
    else ended(what.end);
  }
}

function ended(end: StreamEnd): void {
  if (end.reason === 'stopped') return;
  throw new TunnelError('READER_TOO_SLOW', `${end.lost ?? 0} events were dropped before they were read`, {
    hint: 'Read faster, or ask for less: --filter.',
  });
}
