import { type ClientHttp2Stream, constants as h2, type IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { answerFault, type CallStatus, resetStatus, statusIn } from './call-headers.js';
import { CarriedStream, destroyReset, finishedEnd, lostWith } from './carried-stream.js';
import type { StreamTuning } from './send-queue.js';

export interface AskedCallOptions {
  /** Called with the server's first headers, when it accepts the call. */
  readonly accepted?: (headers: IncomingHttpHeaders) => void;
  readonly tuning?: StreamTuning;
}

/** One call of a tunnel method at its client. Packets wait until there is an HTTP/2 stream for it. */
export class AskedCall {
  readonly packets: CarriedStream;
  private readonly accepted: (headers: IncomingHttpHeaders) => void;
  private stream: ClientHttp2Stream | undefined;
  private last: CallStatus | undefined;
  private given = false;
  private hasAnswer = false;

  constructor({ accepted = () => undefined, tuning = {} }: AskedCallOptions) {
    this.accepted = accepted;
    const cancel = (): void => this.reset();
    const isAccepted = (): boolean => this.hasAnswer;
    const reset = (code: number): void => {
      this.reset(code);
      this.fail(resetStatus(code));
    };
    this.packets = new CarriedStream({ isAccepted, cancel, reset, refuse: cancel }, tuning);
  }

  /** True when its user gave it up before it had a stream. */
  get givenUp(): boolean {
    return this.given;
  }

  /** The call goes over this stream. `lost` tells why the connection is gone, if it is. */
  carryOn(stream: ClientHttp2Stream, lost: () => CallStatus | undefined): void {
    this.stream = stream;
    stream.on('error', () => undefined);
    stream.on('response', (headers) => this.answered(headers));
    stream.on('trailers', (headers) => {
      this.last = statusIn(headers);
    });
    // Of a stream that was reset, `close` tells why. When the server just ends its direction, no `close` comes.
    stream.on('end', () => {
      if (stream.closed) destroyReset(stream);
      this.end(this.last ?? (stream.closed ? undefined : resetStatus(h2.NGHTTP2_NO_ERROR)));
    });
    stream.once('close', () =>
      this.end(this.last ?? lost() ?? resetStatus(stream.rstCode ?? h2.NGHTTP2_NO_ERROR)),
    );
    this.packets.carryOn(stream);
  }

  /** There is no connection for the call, or no longer. */
  fail(fault: CallStatus): void {
    this.packets.end(lostWith(fault));
  }

  private answered(headers: IncomingHttpHeaders): void {
    this.hasAnswer = true;
    this.last = statusIn(headers);
    if (this.last !== undefined) return;
    const fault = answerFault(headers);
    if (fault === undefined) return this.accepted(headers);
    this.reset();
    this.fail(fault);
  }

  /** All packets were read, and the status came with or before the end. Without one the `close` tells why. */
  private end(last: CallStatus | undefined): void {
    if (last === undefined) return;
    this.packets.end(last.code === status.OK ? finishedEnd : lostWith(last));
    this.stream?.end();
  }

  private reset(code: number = h2.NGHTTP2_CANCEL): void {
    const { stream } = this;
    this.given = true;
    if (stream !== undefined && !stream.closed && !stream.destroyed) stream.close(code);
  }
}
