import { type Http2Stream, constants as h2 } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import type { Packet } from '../../core/packet.js';
import type { PathStream } from '../../core/packet-path.js';
import { QueueFront } from '../../core/port.js';
import { MessageReader, RefusedMessage } from '../codec/message-reader.js';
import { PacketBatch } from '../codec/packet-batch.js';
import { type CallStatus, goCodeName } from './call-headers.js';
import { GrowingWindow } from './growing-window.js';
import type { PacketStream, PacketStreamOwner, StreamEnd } from './packet-stream.js';
import { SendQueue, type StreamTuning } from './send-queue.js';

/** How a call ends a stream: each side of a call has its own ways. */
export interface CallEnds {
  /** The owner knows the first headers of the other end. */
  isAccepted(): boolean;
  /** Resets the stream. */
  cancel(): void;
  /** Resets the stream as a proxy on the way does, with a code of HTTP/2: both ends are told. */
  reset(code: number): void;
  /** The other end broke the rules: ends the call and tells it. */
  refuse(fault: CallStatus): void;
}

/** The packets of one call, in both directions. The call opens the HTTP/2 stream, and tells its end. */
export class CarriedStream extends QueueFront<SendQueue> implements PacketStream, PathStream {
  private readonly call: CallEnds;
  private readonly growWindow: Clock | undefined;
  private readonly reader = new MessageReader((packet) => this.receive(packet));
  private owner: PacketStreamOwner | undefined;
  private stream: Http2Stream | undefined;
  /** Data that came before the owner knew the first headers. */
  private readonly early: Buffer[] = [];
  private over = false;
  private paused = false;

  constructor(call: CallEnds, tuning: StreamTuning) {
    super(new SendQueue(tuning));
    this.call = call;
    this.growWindow = tuning.growWindow;
  }

  /** Tells `owner` of packets and of the end. */
  start(owner: PacketStreamOwner): void {
    this.owner = owner;
  }

  /** Reads from an HTTP/2 stream, and writes to it. */
  carryOn(stream: Http2Stream): void {
    this.stream = stream;
    const { growWindow } = this;
    const { session } = stream;
    const window =
      growWindow === undefined || session === undefined ? undefined : new GrowingWindow(session, growWindow);
    stream.on('data', (chunk: Buffer) => {
      window?.received(chunk.length);
      this.receiveBytes(chunk);
    });
    this.queue.open(stream);
  }

  /** True while the transport has not taken what was written. */
  get sending(): boolean {
    return this.queue.busy;
  }

  send(packet: Packet): void {
    this.queue.send(packet);
  }

  finish(): void {
    this.queue.end();
  }

  cancel(text = 'cancelled'): void {
    if (this.over) return;
    this.call.cancel();
    this.end({ kind: 'lost', text, code: 'Canceled' });
  }

  reset(code: number): void {
    if (!this.over) this.call.reset(code);
  }

  take(packet: Packet): void {
    const batch = new PacketBatch();
    batch.add(packet);
    // Of its own, as a message of the other end may be half read.
    this.read(Buffer.concat(batch.slices), new MessageReader((read) => this.receive(read)));
  }

  /** The call is over. Only the first end counts. */
  end(end: StreamEnd): void {
    if (this.over) return;
    this.over = true;
    this.resume();
    this.owner?.ended(end);
    this.queue.drop();
  }

  /** Node tells a client of the first headers a tick late. Data that came with them waits as long. */
  private receiveBytes(chunk: Buffer): void {
    const { early } = this;
    if (early.length === 0 && this.call.isAccepted()) return this.read(chunk);
    if (early.push(chunk) > 1) return;
    process.nextTick(() => {
      for (const bytes of early) this.read(bytes);
      early.length = 0;
    });
  }

  private read(chunk: Buffer, reader = this.reader): void {
    if (this.over) return;
    try {
      reader.feed(chunk);
    } catch (error) {
      const known = error instanceof RefusedMessage;
      const details = known ? error.message : 'Error deserializing request';
      const fault = { code: known ? error.code : status.INTERNAL, details };
      this.call.refuse(fault);
      this.end(lostWith(fault));
    }
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
    if (paused) this.stream?.pause();
    else this.stream?.resume();
    this.owner?.paused?.(paused);
  }
}

/** After a reset without an error node:http2 keeps the stream until our data is sent, which cannot be any more. */
export function destroyReset(stream: Http2Stream): void {
  if (stream.closed && stream.rstCode === h2.NGHTTP2_NO_ERROR) stream.destroy();
}

export const finishedEnd: StreamEnd = { kind: 'finished', text: '', code: 'OK' };

/** The end of a call with another status than OK. */
export function lostWith({ code, details }: CallStatus): StreamEnd {
  return { kind: 'lost', text: details, code: goCodeName(code) };
}
