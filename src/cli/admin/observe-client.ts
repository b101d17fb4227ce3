import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { TunnelError } from '../../core/errors.js';
import type { LabEvent } from '../../core/events.js';
import type { EventBatch__Output } from '../../wire/gen/konnsim/observe/v1/EventBatch.js';
import type { ObserveClient as Stub } from '../../wire/gen/konnsim/observe/v1/Observe.js';
import { observeService } from '../../wire/grpc/proto.js';
import { secureChannel } from '../../wire/net/secure-channel.js';
import type { TlsFiles } from '../../wire/net/tls.js';
import { type ClockReading, clockOffsetMs } from './event-merge.js';
import { observedFailure } from './observe-failure.js';
import { decodeEvent } from './observed-event.js';

export interface ObserveTarget {
  /** `HOST:PORT` of a role's admin port. */
  readonly address: string;
  readonly tls: TlsFiles;
  /** Returns our wall time, milliseconds since 1970. */
  readonly wallNowMs: () => number;
}

/** The position of a reader when it lost a source. */
export interface ObservePlace {
  readonly run: string;
  readonly seq: number;
}

export interface ObservedBatch {
  readonly run: string;
  /** The source's wall time when it sent this. */
  readonly sourceNowMs: number;
  readonly missed: number;
  readonly events: readonly { readonly wallMs: number; readonly event: LabEvent }[];
}

export interface ReadOptions {
  readonly follow: boolean;
  readonly packets: boolean;
  readonly after?: ObservePlace | undefined;
  /** The source's clock minus ours, measured before the first batch. */
  readonly joined: (offsetMs: number) => void;
  readonly batch: (batch: ObservedBatch) => void;
  readonly signal: AbortSignal;
}

const readings = 5;
const answerWithinMs = 5000;

/**
 * Reads the events of one process until the process ends the call; when following, without end. Rejects with
 * SERVER_UNREACHABLE, TLS_REJECTED, UNAUTHORIZED or TUNNEL_CLOSED. Resolves when `signal` aborts.
 */
export async function readEvents(target: ObserveTarget, options: ReadOptions): Promise<void> {
  const stub = connectTo(target);
  try {
    options.joined(await measureOffset(stub, target));
    if (!options.signal.aborted) await receive(stub, target, options);
  } finally {
    stub.close();
  }
}

function connectTo({ address, tls }: ObserveTarget): Stub {
  const { secure, options } = secureChannel(address, tls, { timeMs: 10_000, timeoutMs: 5_000 });
  return new (observeService())(address, secure, options);
}

async function measureOffset(stub: Stub, target: ObserveTarget): Promise<number> {
  const measured: ClockReading[] = [];
  for (let count = 0; count < readings; count++) {
    const sentMs = target.wallNowMs();
    const otherMs = await readClock(stub, target);
    measured.push({ sentMs, otherMs, receivedMs: target.wallNowMs() });
  }
  return clockOffsetMs(measured);
}

function readClock(stub: Stub, { address }: ObserveTarget): Promise<number> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + answerWithinMs;
    stub.ReadClock({}, { deadline }, (failure, answer) => {
      if (failure === null) resolve(answer?.nowMs ?? 0);
      else reject(observedFailure(failure, address));
    });
  });
}

function receive(stub: Stub, { address }: ObserveTarget, options: ReadOptions): Promise<void> {
  const { follow, packets, after } = options;
  const call: ClientReadableStream<EventBatch__Output> = stub.Events({
    follow,
    packets,
    ...(after && { run: after.run, afterSeq: String(after.seq) }),
  });
  return new Promise<void>((resolve, reject: (error: TunnelError) => void) => {
    const stop = (): void => call.cancel();
    options.signal.addEventListener('abort', stop, { once: true });
    call.on('data', (batch: EventBatch__Output) => options.batch(decodeBatch(batch)));
    call.on('error', (failure: ServiceError) => {
      options.signal.removeEventListener('abort', stop);
      if (options.signal.aborted) resolve();
      else reject(observedFailure(failure, address));
    });
    call.on('end', () => {
      options.signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}

function decodeBatch({ run, nowMs, missed, events }: EventBatch__Output): ObservedBatch {
  return {
    run,
    sourceNowMs: nowMs,
    missed: Number(missed),
    events: events.map((event) => ({ wallMs: event.wallMs, event: decodeEvent(event) })),
  };
}
