import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../../core/clock.js';
import { type KeepalivePolicy, PingStrikes } from '../../core/keepalive-policy.js';
import type { Refusal } from '../net/tls-refusals.js';

export interface PingLimit {
  readonly policy: KeepalivePolicy;
  readonly clock: Clock;
}

/** The reason as gRPC clients know it: they ping half as often from then on. */
const debugData = Buffer.from('too_many_pings');
/** How long a client has to read the reason before its connection is cut, ms. */
const farewellMs = 1000;

/** When a client pings too often: GOAWAY with ENHANCE_YOUR_CALM and `too_many_pings`; a second later its end. */
export function limitSessionPings(
  session: ServerHttp2Session,
  { policy, clock }: PingLimit,
  refused: ((refusal: Refusal) => void) | undefined,
): void {
  const strikes = new PingStrikes(policy);
  const sending = new SendingStreams(() => strikes.sent());
  // This must be the first listener, to see streams that are answered at once.
  session.prependListener('stream', (stream: ServerHttp2Stream) => sending.add(stream));
  const pinged = (): void => {
    if (sending.busy) strikes.sent();
    if (!strikes.ping(clock.now(), sending.open)) return;
    session.off('ping', pinged);
    refused?.({ peer: peerOf(session), error: 'too_many_pings' });
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, debugData);
    const timer = clock.after(farewellMs, () => session.destroy(), true);
    session.once('close', () => timer.cancel());
  };
  session.on('ping', pinged);
}

function peerOf({ socket }: ServerHttp2Session): string {
  return socket.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort ?? 0}`;
}

type Written = (error?: Error | null) => void;

/** Streams count as sending while a write is under way: node:http2 does not tell when frames leave. */
class SendingStreams {
  private readonly sent: () => void;
  private writes = 0;
  private streams = 0;

  constructor(sent: () => void) {
    this.sent = sent;
  }

  get open(): number {
    return this.streams;
  }

  get busy(): boolean {
    return this.writes > 0;
  }

  add(stream: ServerHttp2Stream): void {
    this.streams += 1;
    let writes = 0;
    stream.once('close', () => {
      this.streams -= 1;
      // The callbacks of a closed stream's other writes do not come any more.
      this.writes -= writes;
      writes = 0;
    });
    const begin = (done: Written): Written => {
      this.sent();
      this.writes += 1;
      writes += 1;
      return (error) => {
        if (writes > 0) {
          writes -= 1;
          this.writes -= 1;
          this.sent();
        }
        done(error);
      };
    };
    this.watch(stream, begin);
  }

  private watch(stream: ServerHttp2Stream, begin: (done: Written) => Written): void {
    const respond = stream.respond.bind(stream);
    const sendTrailers = stream.sendTrailers.bind(stream);
    const write = stream._write.bind(stream);
    const writev = stream._writev?.bind(stream);
    stream.respond = (...of) => {
      this.sent();
      respond(...of);
    };
    stream.sendTrailers = (trailers) => {
      this.sent();
      sendTrailers(trailers);
    };
    stream._write = (chunk, encoding, done) => write(chunk, encoding, begin(done));
    if (writev !== undefined) stream._writev = (chunks, done) => writev(chunks, begin(done));
  }
}
