import type { Http2Stream } from 'node:http2';
import type { Clock } from '../../core/clock.js';
import { type Backlog, type CongestionMarks, CongestionMeter, defaultMarks } from '../../core/congestion.js';
import { type Packet, payloadBytes } from '../../core/packet.js';
import type { Congestible, Drained } from '../../core/port.js';
import { PacketBatch } from '../codec/packet-batch.js';

/** About how many bytes a packet needs beside its payload: prefix, tags, IDs. */
const overheadBytes = 32;
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
  /** Called when a write begins, and when it is done. */
  readonly sent?: () => void;
}

interface Queued {
  readonly batch: PacketBatch;
  readonly startedAt: number;
  meterBytes: number;
}

/** The packets that wait for an HTTP/2 stream. One write is under way at a time, so that packets wait here and together. */
export class SendQueue implements Drained {
  private readonly meter: CongestionMeter;
  private readonly timing: WriteTiming | undefined;
  private readonly below: () => Congestible | undefined;
  private readonly sent: () => void;
  private stream: Http2Stream | undefined;
  private waiting: Queued[] = [];
  private writes = 0;
  private flushing = false;
  private closed = false;

  constructor({ timing, marks = defaultMarks, together, below, sent }: StreamTuning) {
    this.timing = timing;
    this.below = below ?? (() => undefined);
    this.sent = sent ?? (() => undefined);
    this.meter = new CongestionMeter(marks, together);
  }

  /** True while the transport has not taken what was written. */
  get busy(): boolean {
    return this.writes > 0;
  }

  get congested(): boolean {
    return this.meter.congested;
  }

  get takenBytes(): number {
    return this.meter.takenBytes;
  }

  whenClear(resume: () => void): void {
    this.meter.whenClear(resume);
  }

  /** Packets of one turn are sent together, and so are packets that come while a write is under way. */
  send(packet: Packet): void {
    if (this.closed) return;
    const bytes = overheadBytes + (packet.kind === 'DATA' ? payloadBytes(packet) : 0);
    this.meter.add(bytes);
    const queued = this.roomFor(bytes);
    queued.batch.add(packet);
    queued.meterBytes += bytes;
    if (this.flushing || this.writes > 0 || this.stream === undefined) return;
    this.flushing = true;
    process.nextTick(() => this.flush());
  }

  /** Sends what waits, and all that comes, to this stream. */
  open(stream: Http2Stream): void {
    this.stream = stream;
    if (this.closed) this.endStream(stream);
    else this.flush();
  }

  /** Ends our direction of the stream behind the packets that wait. */
  end(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.stream !== undefined) this.endStream(this.stream);
  }

  /** Nothing is sent any more. */
  drop(): void {
    this.closed = true;
    this.waiting = [];
    this.meter.clear();
  }

  private roomFor(bytes: number): Queued {
    const last = this.waiting.at(-1);
    if (last !== undefined && last.batch.packets < batchPackets && last.meterBytes + bytes <= batchBytes) {
      return last;
    }
    const queued: Queued = { batch: new PacketBatch(), startedAt: this.timing?.now() ?? 0, meterBytes: 0 };
    this.waiting.push(queued);
    return queued;
  }

  private flush(): void {
    this.flushing = false;
    if (this.writes === 0) this.writeNext();
  }

  private endStream(stream: Http2Stream): void {
    while (this.waiting.length > 0) this.writeNext();
    stream.end();
  }

  private writeNext(): void {
    const next = this.waiting.shift();
    if (next === undefined || this.stream === undefined) return;
    this.writes += 1;
    this.sent();
    writeSlices(this.stream, next.batch.slices, () => this.passed(next));
  }

  private passed(queued: Queued): void {
    const below = this.below();
    if (below?.congested === true) below.whenClear(() => this.written(queued));
    else this.written(queued);
  }

  private written({ batch, startedAt, meterBytes }: Queued): void {
    this.writes -= 1;
    this.sent();
    this.tell(startedAt, batch.packets);
    this.meter.remove(meterBytes);
    if (!this.flushing && this.writes === 0) this.writeNext();
  }

  private tell(startedAt: number, packets: number): void {
    if (this.timing === undefined) return;
    const tookMs = this.timing.now() - startedAt;
    for (let packet = 0; packet < packets; packet += 1) this.timing.took(tookMs);
  }
}

/** Writes the slices in one go. `done` is called once, when the transport has taken them or never will. */
function writeSlices(stream: Http2Stream, slices: readonly Buffer[], done: () => void): void {
  const last = slices.length - 1;
  stream.cork();
  for (let index = 0; index < last; index += 1) stream.write(slices[index]);
  stream.write(slices[last], () => done());
  stream.uncork();
}
