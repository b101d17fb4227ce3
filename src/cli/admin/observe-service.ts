import type { Server, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../core/clock.js';
import type { LabEvent } from '../../core/events.js';
import type { EventBatch } from '../../wire/gen/konnsim/observe/v1/EventBatch.js';
import type { EventsRequest__Output } from '../../wire/gen/konnsim/observe/v1/EventsRequest.js';
import type { ReadClockResponse } from '../../wire/gen/konnsim/observe/v1/ReadClockResponse.js';
import { startGrpcListener } from '../../wire/grpc/grpc-listener.js';
import { observeService } from '../../wire/grpc/proto.js';
import type { GrpcEndpoint, Listening } from '../../wire/net/secure-listener.js';
import { encodeEvent } from './observed-event.js';

/** The events of the service: for instance the journal of its process. */
export interface EventSource {
  /** The events that it still has, oldest first. */
  events(): readonly LabEvent[];
  subscribe(listener: (event: LabEvent) => void): () => void;
}

export interface ObserveServiceOptions {
  readonly endpoint: GrpcEndpoint;
  readonly source: EventSource;
  readonly clock: Clock;
  /** Returns milliseconds since 1970. Must not go back. */
  readonly wallNowMs: () => number;
  /** Returns the wall time of an event of the source, from its `t`. Must not go back. */
  readonly wallMsAt: (t: number) => number;
  /** Differs for each start of the process. */
  readonly run: string;
  /** The name of the serving part, for errors: `server/server-1`. */
  readonly where: string;
}

type Call = ServerWritableStream<EventsRequest__Output, EventBatch>;

const beatMs = 200;
const keepaliveTimeMs = 30_000;
/** How many events may wait for a slow reader. The oldest are dropped, and counted. */
const maxWaiting = 20_000;
const batchSize = 500;

/** Serves `konnsim.observe.v1.Observe`. Rejects as `startGrpcListener` does. */
export function startObserveService(options: ObserveServiceOptions): Promise<Listening> {
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

  /** Sends the waiting events in batches; at least one batch, for its time. A slow reader gets the rest later. */
  private send(): void {
    const { run, wallNowMs, wallMsAt } = this.options;
    do {
      if (this.blocked) return;
      const events = this.waiting.splice(0, batchSize).map((event) => encodeEvent(event, wallMsAt(event.t)));
      // Waiting events are older than now, so only the last batch may report the time now.
      const nowMs = this.waiting.length === 0 ? wallNowMs() : (events.at(-1)?.wallMs ?? 0);
      this.blocked =
        !this.call.write({ run, nowMs, missed: String(this.missed), events }) && this.call.request.follow;
      this.missed = 0;
    } while (this.waiting.length > 0);
  }
}
