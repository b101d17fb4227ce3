import type { Server, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../core/clock.js';
import type { LabEvent } from '../../core/events.js';
import type { EventBatch } from '../../wire/gen/konnsim/observe/v1/EventBatch.js';
import type { EventsRequest__Output } from '../../wire/gen/konnsim/observe/v1/EventsRequest.js';
import type { ReadClockResponse } from '../../wire/gen/konnsim/observe/v1/ReadClockResponse.js';
import { type GrpcEndpoint, type GrpcListener, startGrpcListener } from '../../wire/grpc/grpc-listener.js';
import { observeService } from '../../wire/grpc/proto.js';
import { encodeEvent } from './observed-event.js';

/** What the service tells: the journal of its process, for instance. */
export interface EventSource {
  /** The events still held, oldest first. */
  events(): readonly LabEvent[];
  subscribe(listener: (event: LabEvent) => void): () => void;
}

export interface ObserveServiceOptions {
  readonly endpoint: GrpcEndpoint;
  readonly source: EventSource;
  readonly clock: Clock;
  /** Milliseconds since 1970. Must not go back. */
  readonly wallNowMs: () => number;
  /** The wall time of an event of the source, by its `t`. Must not go back. */
  readonly wallMsAt: (t: number) => number;
  /** Tells one start of the process from another. */
  readonly run: string;
  /** Who serves, for errors: `server/server-1`. */
  readonly where: string;
}

type Call = ServerWritableStream<EventsRequest__Output, EventBatch>;

const beatMs = 200;
const keepaliveTimeMs = 30_000;
/** Events that may wait for a slow reader; the oldest are given up, and counted. */
const maxWaiting = 20_000;
const batchSize = 500;

/** Serves `konnsim.observe.v1.Observe`. Rejects as `startGrpcListener` does. */
export function startObserveService(options: ObserveServiceOptions): Promise<GrpcListener> {
  return startGrpcListener({
    endpoint: options.endpoint,
    keepaliveTimeMs,
    clock: options.clock,
    where: options.where,
    serve: (server: Server) =>
      server.addService(observeService().service, {
        Events: (call: Call) => new Subscription(call, options).start(),
        ReadClock: (_call: unknown, answer: sendUnaryData<ReadClockResponse>) =>
          answer(null, { nowMs: options.wallNowMs() }),
      }),
  });
}

/** One reader. */
class Subscription {
  private readonly call: Call;
  private readonly options: ObserveServiceOptions;
  private waiting: LabEvent[] = [];
  private missed = 0;
  private blocked = false;
  private timer: Timer | undefined;

  constructor(call: Call, options: ObserveServiceOptions) {
    this.call = call;
    this.options = options;
  }

  start(): void {
    const { call } = this;
    const { source } = this.options;
    call.on('error', () => undefined);
    this.takePast(source.events());
    if (!call.request.follow) {
      this.send();
      call.end();
      return;
    }
    const unsubscribe = source.subscribe((event) => this.take(event));
    call.on('drain', () => {
      this.blocked = false;
    });
    call.once('close', () => {
      unsubscribe();
      this.timer?.cancel();
    });
    this.beat();
  }

  private takePast(events: readonly LabEvent[]): void {
    const { run, afterSeq } = this.call.request;
    const after = run === this.options.run ? Number(afterSeq) : 0;
    const first = events[0]?.seq ?? after + 1;
    this.missed = Math.max(0, first - after - 1);
    for (const event of events) if (event.seq > after) this.take(event);
  }

  private take(event: LabEvent): void {
    if (event.kind === 'packet' && !this.call.request.packets) return;
    this.waiting.push(event);
    if (this.waiting.length <= maxWaiting) return;
    this.waiting.shift();
    this.missed += 1;
  }

  private beat(): void {
    this.send();
    this.timer = this.options.clock.after(beatMs, () => this.beat(), true);
  }

  /** Sends what waits, in batches; at least one, for its time. A reader that is slow gets the rest at a later beat. */
  private send(): void {
    const { run, wallNowMs, wallMsAt } = this.options;
    do {
      if (this.blocked) return;
      const events = this.waiting.splice(0, batchSize).map((event) => encodeEvent(event, wallMsAt(event.t)));
      // What still waits is older than now: it is the last batch that may say so.
      const nowMs = this.waiting.length === 0 ? wallNowMs() : (events.at(-1)?.wallMs ?? 0);
      this.blocked =
        !this.call.write({ run, nowMs, missed: String(this.missed), events }) && this.call.request.follow;
      this.missed = 0;
    } while (this.waiting.length > 0);
  }
}
