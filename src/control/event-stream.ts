import type { LabEvent } from '../core/events.js';
import type { Lab } from '../lab/lab.js';
import type { EventTest } from '../observe/event-filter.js';
import type { StreamEnd } from './requests-contract.js';

export interface StreamOptions {
  readonly lab: Lab;
  /** The last event that the reader has. */
  readonly after: number;
  readonly test: EventTest;
  /** `sse` has marks of life, too; `ndjson` has one event a line. */
  readonly form: 'sse' | 'ndjson';
  /** Aborted when the API stops. */
  readonly stopped: AbortSignal;
  /** Called when the reader takes nothing for so long that it is given up. */
  readonly stuck: () => void;
}

/** How much is written at once, characters. */
const maxChunkChars = 64 * 1024;
/** How long a reader may take nothing, real ms. Memory does not grow with that: what waits is in the journal only. */
const stuckMs = 30_000;
const heartbeatMs = 15_000;
const encoder = new TextEncoder();

/**
 * The journal as it grows. It keeps the place in the journal and no events, so that a slow reader costs no memory. When the
 * journal has dropped what the reader had not taken yet, the stream ends with an event that says so.
 */
export function streamEvents(options: StreamOptions): ReadableStream<Uint8Array> {
  const reader = new JournalReader(options);
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const chunk = await reader.next();
        if (chunk !== '') controller.enqueue(encoder.encode(chunk));
        if (reader.isOver) controller.close();
      },
      cancel: () => reader.close(),
    },
    { highWaterMark: 0 },
  );
}

class JournalReader {
  isOver = false;
  private readonly options: StreamOptions;
  private after: number;
  private hasBegun = false;
  private wake: () => void = () => undefined;
  private readonly leave: () => void;
  private guard: NodeJS.Timeout | undefined;

  constructor(options: StreamOptions) {
    this.options = options;
    this.after = options.after;
    const unsubscribe = options.lab.onEvent(() => this.wake());
    const onStop = (): void => this.wake();
    options.stopped.addEventListener('abort', onStop);
    this.leave = () => {
      unsubscribe();
      options.stopped.removeEventListener('abort', onStop);
    };
  }

  close(): void {
    clearTimeout(this.guard);
    this.isOver = true;
    this.leave();
    this.wake();
  }

  /** The next piece. Empty when the reader has gone away. */
  async next(): Promise<string> {
    clearTimeout(this.guard);
    let chunk = this.piece();
    while (chunk === '' && !this.isOver) {
      const isNews = await this.news();
      chunk = isNews ? this.piece() : this.markOfLife();
    }
    if (this.isOver) this.close();
    else this.guard = setTimeout(() => this.options.stuck(), stuckMs).unref();
    return chunk;
  }

  private piece(): string {
    const { lab, test, stopped } = this.options;
    const events = lab.events();
    const oldest = events[0]?.seq ?? 1;
    const lost = Math.max(0, oldest - 1 - this.after);
    if (lost > 0 && this.hasBegun) return this.end({ reason: 'slow', after: this.after, lost });
    const gap = lost > 0 ? this.gap(lost) : '';
    this.hasBegun = true;
    this.after += lost;
    const text = this.texts(events.slice(this.after - oldest + 1), test);
    const isLast = stopped.aborted || events.at(-1)?.kind === 'lab.stopped';
    if (isLast && this.after === lab.mark()) {
      return gap + text + this.end({ reason: 'stopped', after: this.after });
    }
    return gap + text;
  }

  private texts(events: readonly LabEvent[], test: EventTest): string {
    let text = '';
    for (const event of events) {
      this.after = event.seq;
      if (test(event)) text += this.line(event);
      if (text.length >= maxChunkChars) break;
    }
    return text;
  }

  private line(event: LabEvent): string {
    const data = JSON.stringify(event);
    return this.options.form === 'ndjson' ? `${data}\n` : `id: ${event.seq}\ndata: ${data}\n\n`;
  }

  /** Told before the first event, when older ones are gone. */
  private gap(lost: number): string {
    return this.told('gap', { lost });
  }

  private end(why: StreamEnd): string {
    this.isOver = true;
    return this.told('end', why);
  }

  private told(name: 'gap' | 'end', what: StreamEnd | { readonly lost: number }): string {
    if (this.options.form === 'ndjson') return `${JSON.stringify({ [name]: what })}\n`;
    return `event: ${name}\ndata: ${JSON.stringify(what)}\n\n`;
  }

  private markOfLife(): string {
    return this.options.form === 'ndjson' ? '' : ': alive\n\n';
  }

  /** False when there is none for a while. A burst of events is one piece of news. */
  private news(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), heartbeatMs).unref();
      const settle = (isNews: boolean): void => {
        clearTimeout(timer);
        this.wake = () => undefined;
        setImmediate(() => resolve(isNews));
      };
      this.wake = () => settle(true);
    });
  }
}
