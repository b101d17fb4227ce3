import {
  constants as h2,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../core/clock.js';
import { peerOf } from '../net/peer-certificate.js';
import { afterTurns } from './after-turns.js';
import {
  type CallMetadata,
  type CallStatus,
  responseHeaders,
  timeoutMs,
  trailersOf,
} from './call-headers.js';
import { CarriedStream, destroyReset, finishedEnd, lostWith } from './carried-stream.js';
import type { StreamEnd } from './packet-stream.js';
import type { StreamTuning } from './send-queue.js';

/** Turns of the event loop between a client's half-close and its reset, with a margin. */
const turnsOfReset = 8;

const goneEnd: StreamEnd = { kind: 'lost', text: 'the other end is gone', code: 'Canceled' };
const late: CallStatus = { code: status.DEADLINE_EXCEEDED, details: 'context deadline exceeded' };

export interface ServedCallOptions {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly clock: Clock;
  /** Called when headers, data or trailers go to the client. */
  readonly sent: () => void;
}

/** One call of a tunnel method at the server. It is accepted with `accept` and `carry`, or refused. */
export class ServedCall {
  readonly headers: IncomingHttpHeaders;
  /** `host:port` of the client; empty for a Unix socket. */
  readonly peer: string;
  private readonly stream: ServerHttp2Stream;
  private readonly sent: () => void;
  private readonly deadline: Timer | undefined;
  private packets: CarriedStream | undefined;
  private last: CallStatus = { code: status.OK, details: '' };
  /** We have sent our last frame. */
  private left = false;

  constructor({ stream, headers, clock, sent }: ServedCallOptions) {
    this.headers = headers;
    this.stream = stream;
    this.sent = sent;
    this.peer = peerOf(stream.session?.socket ?? {});
    const withinMs = timeoutMs(headers);
    this.deadline = withinMs === undefined ? undefined : clock.after(withinMs, () => this.refuse(late), true);
    stream.on('error', () => undefined);
    stream.on('wantTrailers', () => this.sendTrailers());
    stream.once('close', () => this.closed());
  }

  /** True while bytes for the client have not left. */
  get sending(): boolean {
    return !this.gone && this.packets?.sending === true;
  }

  /** True when the client has left, or the call is over. */
  get gone(): boolean {
    return this.left || this.stream.closed || this.stream.destroyed;
  }

  /** Calls `listener` when the call is over. */
  onGone(listener: () => void): void {
    this.stream.once('close', listener);
  }

  /** Sends the first headers. */
  accept(metadata: CallMetadata = {}): void {
    if (this.gone) return;
    this.respond(responseHeaders(metadata));
  }

  /** The packets of an accepted call. */
  carry(tuning: StreamTuning): CarriedStream {
    const { stream } = this;
    const packets = new CarriedStream(
      {
        isAccepted: () => true,
        cancel: () => this.reset(h2.NGHTTP2_CANCEL),
        reset: (code) => this.reset(code),
        refuse: (fault) => this.finishWith(fault),
      },
      { ...tuning, sent: this.sent },
    );
    this.packets = packets;
    // A client of Node that cancels half-closes first. The reset follows within some turns, and tells it from an orderly end.
    stream.on('end', () =>
      afterTurns(turnsOfReset, () => {
        packets.end(stream.closed ? goneEnd : finishedEnd);
        if (!this.left) destroyReset(stream);
      }),
    );
    packets.carryOn(stream);
    return packets;
  }

  /** Ends the call with this status. */
  refuse(fault: CallStatus): void {
    this.finishWith(fault);
    this.packets?.end(lostWith(fault));
  }

  private finishWith(fault: CallStatus): void {
    const { stream } = this;
    if (this.gone) return;
    this.last = fault;
    // What the client still sends is read, so that its window is not full.
    stream.resume();
    if (stream.headersSent) this.endDirection();
    else this.respond({ ...responseHeaders({}), ...trailersOf(fault) }, true);
  }

  /** The packets' queue ends the stream of a carried call: nothing may be written behind the end. */
  private endDirection(): void {
    if (this.packets === undefined) this.stream.end();
    else this.packets.finish();
  }

  private respond(headers: OutgoingHttpHeaders, isAll = false): void {
    this.sent();
    this.stream.respond(headers, isAll ? { endStream: true } : { waitForTrailers: true });
    if (isAll) this.leave();
  }

  private sendTrailers(): void {
    this.sent();
    this.stream.sendTrailers(trailersOf(this.last));
    this.leave();
  }

  /** We have sent our last frame. As in grpc-go, a client that does not end its direction is reset without an error. */
  private leave(): void {
    this.left = true;
    afterTurns(turnsOfReset, () => this.reset(h2.NGHTTP2_NO_ERROR));
    this.closed();
  }

  /**
   * The stream is reset and not destroyed: when the reset has to wait for a write that is under way, Node 22 ends the
   * whole process because of the trailers of a destroyed stream (`Assertion failed: !this->is_destroyed()`).
   */
  private reset(code: number): void {
    const { stream } = this;
    if (!stream.closed && !stream.destroyed) stream.close(code);
  }

  private closed(): void {
    this.deadline?.cancel();
    this.packets?.end(goneEnd);
  }
}
