import { type StatusObject, status } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import { type Backlog, type CongestionMarks, CongestionMeter, defaultMarks } from '../../core/congestion.js';
import { type Packet, payloadBytes } from '../../core/packet.js';
import type { Congestible } from '../../core/port.js';
import { MessageReader, RefusedMessage } from '../codec/message-reader.js';
import { PacketBatch } from '../codec/packet-batch.js';
import { transportText } from '../net/transport-text.js';
import { afterTurns } from './after-turns.js';
import { GrowingWindow } from './growing-window.js';
import { resetServerCall } from './grpc-internals.js';
import { CallLane, type MessageLane, StreamLane } from './message-lanes.js';
import type { PacketStream, PacketStreamOwner, StreamEnd } from './packet-stream.js';
import { takeClientStream, takeServerStream } from './taken-streams.js';
import type { TunnelCall, TunnelClientCall } from './tunnel-service.js';

/** About how many bytes a packet needs beside its payload: prefix, tags, IDs. */
const overheadBytes = 32;
/** The largest write with more than one packet, bytes. */
const batchBytes = 128 * 1024;
const batchPackets = 256;
/** Turns of the event loop between a client's half-close and its reset, with a margin. */
const turnsOfReset = 8;

type Call = TunnelCall | TunnelClientCall;

interface Queued {
  readonly batch: PacketBatch;
  readonly startedAt: number;
  meterBytes: number;
}

/** Gets the time that each packet took from `send` until the transport had it, ms. */
export interface WriteTiming {
  now(): number;
  took(durationMs: number): void;
}

const finishedEnd: StreamEnd = { kind: 'finished', text: '', code: 'OK' };
const goneEnd: StreamEnd = { kind: 'lost', text: 'the other end is gone', code: 'Canceled' };

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
}

/**
 * A packet stream over one grpc-js call, at either end. grpc-js opens and ends the call. Messages bypass it where that
 * is possible (`StreamLane`): on the server from the beginning, on the client after the server's metadata.
 */
export class GrpcPacketStream implements PacketStream {
  private readonly meter: CongestionMeter;
  private readonly call: Call;
  private owner: PacketStreamOwner | undefined;
  private readonly timing: WriteTiming | undefined;
  private readonly growWindow: Clock | undefined;
  private readonly below: () => Congestible | undefined;
  private readonly reader = new MessageReader((packet) => this.receive(packet));
  /** The lane that is read, and that writes use when the current write is done. */
  private lane: MessageLane;
  private writeLane: MessageLane;
  private writable = true;
  private over = false;
  private paused = false;
  /** Packets that wait for the current write. */
  private queue: Queued[] = [];
  private writes = 0;
  private flushing = false;

  constructor(
    call: Call,
    { timing, marks = defaultMarks, together, growWindow, below = () => undefined }: StreamTuning = {},
  ) {
    this.call = call;
    this.timing = timing;
    this.growWindow = growWindow;
    this.below = below;
    this.meter = new CongestionMeter(marks, together);
    this.lane = new CallLane(call);
    this.writeLane = this.lane;
    call.on('error', () => undefined);
  }

  /** Begins to read, in the turn in which the call came or was made. */
  start(owner: PacketStreamOwner): void {
    const { call } = this;
    this.owner = owner;
    call.on('data', (packet: Packet) => this.receive(packet));
    if ('cancelled' in call) this.serve(call);
    else this.request(call);
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
    if (!this.writable) return;
    const bytes = overheadBytes + (packet.kind === 'DATA' ? payloadBytes(packet) : 0);
    this.meter.add(bytes);
    const queued = this.roomFor(bytes);
    queued.batch.add(packet);
    queued.meterBytes += bytes;
    if (this.flushing || this.writes > 0) return;
    this.flushing = true;
    process.nextTick(() => this.flush());
  }

  finish(): void {
    if (!this.writable) return;
    this.writable = false;
    while (this.queue.length > 0) this.writeNext();
    this.call.end();
  }

  cancel(text = 'cancelled'): void {
    if (this.over) return;
    this.writable = false;
    if ('cancel' in this.call) this.call.cancel();
    else if (!resetServerCall(this.call)) this.call.destroy();
    this.end({ kind: 'lost', text, code: 'Canceled' });
  }

  private serve(call: TunnelCall): void {
    const stream = takeServerStream(call);
    this.bypass(stream);
    // A client that cancels half-closes first. `cancelled` follows within some turns, and tells it from an orderly end.
    call.on('end', () =>
      afterTurns(turnsOfReset, () => this.end(stream?.closed === true ? goneEnd : finishedEnd)),
    );
    // This also comes after our own status.
    call.on('cancelled', () => this.end(goneEnd));
  }

  private request(call: TunnelClientCall): void {
    call.on('metadata', () => this.bypass(takeClientStream(call)));
    call.on('end', () => this.end(finishedEnd));
    call.on('status', (final: StatusObject) => this.receiveStatus(final));
  }

  private bypass(stream: ReturnType<typeof takeClientStream>): void {
    if (stream === undefined) return;
    const { growWindow } = this;
    const window =
      growWindow === undefined || stream.session === undefined
        ? undefined
        : new GrowingWindow(stream.session, growWindow);
    this.lane = new StreamLane(stream, (chunk) => {
      window?.received(chunk.length);
      this.read(chunk);
    });
  }

  private roomFor(bytes: number): Queued {
    const last = this.queue.at(-1);
    if (last !== undefined && last.batch.packets < batchPackets && last.meterBytes + bytes <= batchBytes) {
      return last;
    }
    const queued: Queued = { batch: new PacketBatch(), startedAt: this.timing?.now() ?? 0, meterBytes: 0 };
    this.queue.push(queued);
    return queued;
  }

  private flush(): void {
    this.flushing = false;
    if (this.writes === 0 && this.queue.length > 0) this.writeNext();
  }

  private writeNext(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    // With two lanes at once, packets could change their order.
    if (this.writes === 0) this.writeLane = this.lane;
    this.writes += 1;
    this.writeLane.write(next.batch, () => this.passed(next));
  }

  private passed(queued: Queued): void {
    const below = this.below();
    if (below?.congested === true) below.whenClear(() => this.written(queued));
    else this.written(queued);
  }

  private written({ batch, startedAt, meterBytes }: Queued): void {
    this.writes -= 1;
    this.tell(startedAt, batch.packets);
    this.meter.remove(meterBytes);
    if (this.writes === 0 && this.queue.length > 0 && !this.flushing) this.writeNext();
  }

  private tell(startedAt: number, packets: number): void {
    if (this.timing === undefined) return;
    const tookMs = this.timing.now() - startedAt;
    for (let packet = 0; packet < packets; packet += 1) this.timing.took(tookMs);
  }

  private read(chunk: Buffer): void {
    if (this.over) return;
    try {
      this.reader.feed(chunk);
    } catch (error) {
      this.refuse(error);
    }
  }

  /** The other end sent bytes that are not a packet: ends the stream and tells it. */
  private refuse(error: unknown): void {
    const code = error instanceof RefusedMessage ? error.code : status.INTERNAL;
    const details = error instanceof RefusedMessage ? error.message : 'Error deserializing request';
    if ('cancel' in this.call) this.call.cancel();
    else this.call.emit('error', { code, details });
    this.end({ kind: 'lost', text: details, code: goCodeName(code) });
  }

  private receive(packet: Packet): void {
    if (this.over) return;
    const full = this.owner?.packet(packet);
    if (full === undefined || !full.congested || this.paused) return;
    this.pause(true);
    full.whenClear(() => this.resume());
  }

  /** The stream may have ended before. */
  private resume(): void {
    if (this.paused) this.pause(false);
  }

  private pause(paused: boolean): void {
    this.paused = paused;
    if (paused) this.lane.pause();
    else this.lane.resume();
    this.owner?.paused?.(paused);
  }

  /** After an ordinary status, packets that were received already are still delivered, and `end` comes after them. */
  private receiveStatus(final: StatusObject): void {
    if (final.code === status.OK) return;
    this.end({ kind: 'lost', text: transportText(final.details), code: goCodeName(final.code) });
  }

  private end(end: StreamEnd): void {
    if (this.over) return;
    this.over = true;
    this.resume();
    this.owner?.ended(end);
    this.writable = false;
    this.queue = [];
    this.meter.clear();
  }
}

/** `DEADLINE_EXCEEDED` → `DeadlineExceeded`, `CANCELLED` → `Canceled`: the names in Go's metrics. */
function goCodeName(code: status): string {
  if (code === status.CANCELLED) return 'Canceled';
  const words = (status[code] ?? 'UNKNOWN').split('_');
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('');
}
