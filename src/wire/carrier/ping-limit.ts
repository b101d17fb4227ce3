import { constants, type ServerHttp2Session } from 'node:http2';
import type { Clock } from '../../core/clock.js';
import { type KeepalivePolicy, PingStrikes } from '../../core/keepalive-policy.js';
import { peerOf } from '../net/peer-certificate.js';
import type { Refusal } from '../net/tls-refusals.js';

export interface PingLimit {
  readonly policy: KeepalivePolicy;
  readonly clock: Clock;
}

/** The reason as gRPC clients know it: they ping half as often from then on. */
const debugData = Buffer.from('too_many_pings');
/** How long a client has to read the reason before its connection is cut, ms. */
const farewellMs = 1000;

/** What a session sends, for the count of pings. */
export interface SessionTraffic {
  readonly openCalls: number;
  /** True while bytes for a call have not left. node:http2 does not tell when frames leave. */
  readonly sending: boolean;
}

export interface LimitedSession extends PingLimit {
  readonly traffic: SessionTraffic;
  readonly refused: ((refusal: Refusal) => void) | undefined;
  /** Ends the connection. */
  readonly cut: () => void;
}

/**
 * When a client pings too often: GOAWAY with ENHANCE_YOUR_CALM and `too_many_pings`; a second later its end. Returns a
 * function to call when something is sent on a stream, which pardons earlier pings.
 */
export function limitPings(
  session: ServerHttp2Session,
  { policy, clock, traffic, refused, cut }: LimitedSession,
): () => void {
  const strikes = new PingStrikes(policy);
  const pinged = (): void => {
    if (traffic.sending) strikes.sent();
    if (!strikes.ping(clock.now(), traffic.openCalls)) return;
    session.off('ping', pinged);
    refused?.({ peer: peerOf(session.socket), error: 'too_many_pings' });
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, debugData);
    const timer = clock.after(farewellMs, cut, true);
    session.once('close', () => timer.cancel());
  };
  session.on('ping', pinged);
  return () => strikes.sent();
}
