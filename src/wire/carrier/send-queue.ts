import type { Http2Stream } from 'node:http2';
import type { Clock } from '../../core/clock.js';
import { type Backlog, type CongestionMarks, CongestionMeter, defaultMarks } from '../../core/congestion.js';
import { type Packet, payloadBytes } from '../../core/packet.js';
import { type Congestible, QueueFront } from '../../core/port.js';
import { FairQueue, type Queued } from './fair-queue.js';

/** About how many bytes a packet needs beside its payload: prefix, tags, IDs. */
const overheadBytes = 32;
/** About how many bytes one ID of a HELD needs. */
const heldIdBytes = 4;
/** The largest write with more than one packet, bytes. */
const batchBytes = 128 * 1024;
const batchPackets = 256;

/** Gets the time that each packet took from `send` until the transport had it, ms. */
export interface WriteTiming {
  now(): number;
  took(durationMs: number): void;
}

export interface StreamTuning {
  readonly timing?: WriteTiming;
  /** How many bytes may wait to be sent. Default `defaultMarks`, those of a shared stream. */
  readonly marks?: CongestionMarks;
  /** Limits the waiting bytes together with those of other queues. */
  readonly together?: Backlog | undefined;
  /** Widens the receive window of the session as the link needs it. Only for a stream that is alone on its session. */
  readonly growWindow?: Clock;
  /** The queue below a transport that takes all bytes at once. A write is done when it has room again. */
  readonly below?: () => Congestible | undefined;
  /** Connections take turns. Default false: packets go in the order in which they came, as in Konnectivity. */
  readonly fair?: boolean;
  /** Called when a write begins, and when it is done. */
  readonly sent?: () => void;
}

/** The packets that wait for an HTTP/2 stream. One write is under way at a time, so that packets wait here and together. */
export class SendQueue extends QueueFront<CongestionMeter> {
  private readonly timing: WriteTiming | undefined;
  private readonly below: () => Congestible | undefined;
  private readonly sent: () => void;
  private stream: Http2Stream | undefined;
  private readonly fair: boolean;
  private waiting: FairQueue;
  private writes = 0;
  private flushing = false;
  private closed = false;
  private ended = false;

  constructor({ timing, marks = defaultMarks, together, below, sent, fair = false }: StreamTuning) {
    super(new CongestionMeter(marks, together));
    this.fair = fair;
    this.waiting = this.noPackets();
    this.timing = timing;
    this.below = below ?? (() => undefined);
    this.sent = sent ?? (() => undefined);
  }

  /** True while the transport has not taken what was written. */
  get busy(): boolean {
    return this.writes > 0;
  }

  /** Packets of one turn are sent together, and so are packets that come while a write is under way. */
  send(packet: Packet): void {
    if (this.closed) return;
    const bytes = overheadBytes + bodyBytes(packet);
    this.queue.add(bytes);
    this.waiting.add(packet, bytes, this.now);
    if (this.flushing || this.writes > 0 || this.stream === undefined) return;
    this.flushing = true;
    process.nextTick(() => this.flush());
  }

  /** Sends what waits, and all that comes, to this stream. */
  open(stream: Http2Stream): void {
    this.stream = stream;
    if (this.ended) this.endStream(stream);
    else this.flush();
  }

  /** Ends our direction of the stream behind the packets that wait. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.closed = true;
    if (this.stream !== undefined) this.endStream(this.stream);
  }

  /** Nothing is sent any more. */
  drop(): void {
    this.closed = true;
    this.waiting = this.noPackets();
    this.queue.clear();
  }

  private noPackets(): FairQueue {
    return new FairQueue({ maxPackets: batchPackets, fair: this.fair });
  }

  private readonly now = (): number => this.timing?.now() ?? 0;

  private flush(): void {
    this.flushing = false;
    if (this.writes === 0) this.writeNext();
  }

  private endStream(stream: Http2Stream): void {
    while (this.writeNext());
    stream.end();
  }

  /** Returns false when nothing waits. */
  private writeNext(): boolean {
    if (this.stream === undefined) return false;
    const together = this.takeTogether();
    if (together.length === 0) return false;
    this.writes += 1;
    this.sent();
    const slices = together.flatMap(({ batch }) => batch.slices);
    writeSlices(this.stream, slices, () => this.passed(together));
    return true;
  }

  /** What goes in one write: the turns of several connections, or one that is larger. */
  private takeTogether(): readonly Queued[] {
    const together: Queued[] = [];
    let [bytes, packets] = [0, 0];
    while (packets < batchPackets) {
      const next = this.waiting.take(bytes === 0 ? Number.POSITIVE_INFINITY : batchBytes - bytes);
      if (next === undefined) break;
      together.push(next);
      bytes += next.meterBytes;
      packets += next.batch.packets;
    }
    return together;
  }

  private passed(together: readonly Queued[]): void {
    const below = this.below();
    if (below?.congested === true) below.whenClear(() => this.written(together));
    else this.written(together);
  }

  private written(together: readonly Queued[]): void {
    this.writes -= 1;
    this.sent();
    let bytes = 0;
    for (const { batch, startedAt, meterBytes } of together) {
      this.tell(startedAt, batch.packets);
      bytes += meterBytes;
    }
    this.queue.remove(bytes);
    if (!this.flushing && this.writes === 0) this.writeNext();
  }

  private tell(startedAt: number, packets: number): void {
    if (this.timing === undefined) return;
    const tookMs = this.timing.now() - startedAt;
    for (let packet = 0; packet < packets; packet += 1) this.timing.took(tookMs);
  }
}

/** About how many bytes a packet has that has no bound of its own. */
function bodyBytes(packet: Packet): number {
  if (packet.kind === 'DATA') return payloadBytes(packet);
  return packet.kind === 'HELD' ? packet.connectIds.length * heldIdBytes : 0;
}

/** Writes the slices in one go. `done` is called once, when the transport has taken them or never will. */
function writeSlices(stream: Http2Stream, slices: readonly Buffer[], done: () => void): void {
  const last = slices.length - 1;
  stream.cork();
  for (let index = 0; index < last; index += 1) stream.write(slices[index]);
  stream.write(slices[last], () => done());
  stream.uncork();
}
