import type { ClientDuplexStream, ServerDuplexStream, StatusObject } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { type CongestionMarks, CongestionMeter, defaultMarks } from '../core/congestion.js';
import type { Packet } from '../core/packet.js';
import { resetServerCall } from './grpc-internals.js';
import type { Outgoing } from './packet-batch.js';
import type { PacketStream, PacketStreamOwner, StreamEnd } from './packet-stream.js';
import { transportText } from './transport-text.js';

/** Bytes that a packet costs besides its payload, about: prefix, tags, IDs. */
const overheadBytes = 32;

/** What goes out in one write at most, when it is more than one packet. */
const batchBytes = 64 * 1024;
const batchPackets = 256;

type Call = ClientDuplexStream<Outgoing, Packet> | ServerDuplexStream<Packet, Outgoing>;

interface Queued {
  readonly packet: Packet;
  readonly bytes: number;
  readonly startedAt: number;
}

/** Wants to know how long each packet took from `send` until the transport had it, ms. */
export interface WriteTiming {
  now(): number;
  took(durationMs: number): void;
}

const finishedEnd: StreamEnd = { kind: 'finished', text: '', code: 'OK' };
const goneEnd: StreamEnd = { kind: 'lost', text: 'the other end is gone', code: 'Canceled' };

export interface StreamTuning {
  readonly timing?: WriteTiming;
  /** How much may wait to be sent; default `defaultMarks`, those of a stream that many share. */
  readonly marks?: CongestionMarks;
}

/** A packet stream over one grpc-js call, either end of it. */
export class GrpcPacketStream implements PacketStream {
  private readonly meter: CongestionMeter;
  private readonly call: Call;
  private readonly owner: PacketStreamOwner;
  private readonly timing: WriteTiming | undefined;
  private writable = true;
  private over = false;
  private paused = false;
  /** Waits for the write that is under way. */
  private queue: Queued[] = [];
  private writing = false;

  constructor(call: Call, owner: PacketStreamOwner, { timing, marks = defaultMarks }: StreamTuning = {}) {
    this.call = call;
    this.timing = timing;
    this.meter = new CongestionMeter(marks);
    this.owner = owner;
    call.on('error', () => undefined);
    call.on('data', (packet: Packet) => this.receive(packet));
    if ('cancelled' in call) {
      // A client that cancels half-closes first: `cancelled`, which tells it from an orderly end, follows at once.
      call.on('end', () => setImmediate(() => this.end(finishedEnd)));
      // Comes after our own status, too.
      call.on('cancelled', () => this.end(goneEnd));
    } else {
      call.on('end', () => this.end(finishedEnd));
      call.on('status', (final: StatusObject) => this.receiveStatus(final));
    }
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

  send(packet: Packet): void {
    if (!this.writable) return;
    const bytes = overheadBytes + (packet.kind === 'DATA' ? packet.data.length : 0);
    this.meter.add(bytes);
    this.queue.push({ packet, bytes, startedAt: this.timing?.now() ?? 0 });
    if (!this.writing) this.writeNext();
  }

  finish(): void {
    if (!this.writable) return;
    this.writable = false;
    while (this.queue.length > 0) this.writeNext();
    this.call.end();
  }

  cancel(): void {
    if (this.over) return;
    this.writable = false;
    if ('cancel' in this.call) this.call.cancel();
    else if (!resetServerCall(this.call)) this.call.destroy();
    this.end({ kind: 'lost', text: 'cancelled', code: 'Canceled' });
  }

  /** The first packet leaves at once; those that come before it is gone leave together. */
  private writeNext(): void {
    this.writing = true;
    const batch = this.queue.splice(0, countOfBatch(this.queue));
    this.call.write(
      batch.map(({ packet }) => packet),
      () => this.written(batch),
    );
  }

  private written(batch: readonly Queued[]): void {
    for (const { bytes, startedAt } of batch) {
      this.timing?.took(this.timing.now() - startedAt);
      this.meter.remove(bytes);
    }
    if (this.queue.length > 0) this.writeNext();
    else this.writing = false;
  }

  private receive(packet: Packet): void {
    if (this.over) return;
    const full = this.owner.packet(packet);
    if (full === undefined || !full.congested || this.paused) return;
    this.pause(true);
    full.whenClear(() => this.pause(false));
  }

  private pause(paused: boolean): void {
    this.paused = paused;
    if (paused) this.call.pause();
    else this.call.resume();
    this.owner.paused?.(paused);
  }

  /** After an ordinary status the packets already received are still delivered, and `end` follows them. */
  private receiveStatus(final: StatusObject): void {
    if (final.code === status.OK) return;
    this.end({ kind: 'lost', text: transportText(final.details), code: goCodeName(final.code) });
  }

  private end(end: StreamEnd): void {
    if (this.over) return;
    this.over = true;
    if (this.paused) this.pause(false);
    this.owner.ended(end);
    this.writable = false;
    this.queue = [];
    this.meter.clear();
  }
}

/** How many of the first go together; at least one. */
function countOfBatch(queue: readonly Queued[]): number {
  let sizeBytes = 0;
  const end = queue.findIndex(({ bytes }, index) => {
    sizeBytes += bytes;
    return index > 0 && (sizeBytes > batchBytes || index >= batchPackets);
  });
  return end === -1 ? queue.length : end;
}

/** `DEADLINE_EXCEEDED` → `DeadlineExceeded`, `CANCELLED` → `Canceled`: the names that Go's metrics bear. */
function goCodeName(code: status): string {
  if (code === status.CANCELLED) return 'Canceled';
  const words = (status[code] ?? 'UNKNOWN').split('_');
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('');
}
