import type { Cluster } from '../../control/contract.js';
import type { LabEvent } from '../../core/events.js';
import { callApi } from './api.js';

/** What a source of events tells the page. */
export interface SourceListener {
  /** The lab that the events are of. A new one after a restart: then all earlier events are of another lab. */
  readonly onLab: (cluster: Cluster) => void;
  readonly onEvents: (events: readonly LabEvent[]) => void;
  /** Older events that the lab does not have any more. */
  readonly onGap: (lost: number) => void;
  readonly onStatus: (status: 'live' | 'lost' | 'ended') => void;
}

const retryMs = 1500;

/** The journal of a live lab. It comes back by itself, and goes on where it was. */
export class LiveSource {
  private readonly listener: SourceListener;
  private readonly closed = new AbortController();
  private stream: EventSource | undefined;
  private lab = '';
  private after = 0;
  private waiting: LabEvent[] = [];

  constructor(listener: SourceListener) {
    this.listener = listener;
    void this.connect();
  }

  close(): void {
    this.closed.abort();
    this.stream?.close();
  }

  private async connect(): Promise<void> {
    if (this.closed.signal.aborted) return;
    const answer = await callApi<Cluster>('GET', '/v1/cluster');
    if (!answer.ok) {
      this.listener.onStatus('lost');
      this.again();
      return;
    }
    const identity = `${answer.value.seed} ${answer.value.startedAt}`;
    if (identity !== this.lab) this.after = 0;
    this.lab = identity;
    this.listener.onLab(answer.value);
    this.open();
  }

  private open(): void {
    const stream = new EventSource(`/v1/events?after=${this.after}`);
    this.stream = stream;
    stream.addEventListener('open', () => this.listener.onStatus('live'));
    stream.addEventListener('message', ({ data }: MessageEvent<string>) => this.take(data));
    stream.addEventListener('gap', ({ data }: MessageEvent<string>) => {
      this.listener.onGap((JSON.parse(data) as { lost: number }).lost);
    });
    stream.addEventListener('end', ({ data }: MessageEvent<string>) => {
      const { reason } = JSON.parse(data) as { reason: string };
      stream.close();
      this.listener.onStatus(reason === 'stopped' ? 'ended' : 'lost');
      this.again();
    });
    stream.addEventListener('error', () => {
      // Its own way to come back would ask a new lab for the events after the last of the old one.
      stream.close();
      this.listener.onStatus('lost');
      this.again();
    });
  }

  private again(): void {
    if (!this.closed.signal.aborted) setTimeout(() => void this.connect(), retryMs);
  }

  /** Events come in bursts: one picture for each burst. */
  private take(text: string): void {
    const event = JSON.parse(text) as LabEvent;
    this.after = event.seq;
    this.waiting.push(event);
    if (this.waiting.length > 1) return;
    setTimeout(() => {
      const events = this.waiting;
      this.waiting = [];
      this.listener.onEvents(events);
    }, 16);
  }
}
