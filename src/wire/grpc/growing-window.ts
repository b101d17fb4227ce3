import type { Http2Session } from 'node:http2';
import type { Clock } from '../../core/clock.js';

/**
 * The receive window of both ends of an agent's link at the beginning, and of frontends, bytes: the default would cap
 * each direction at 64 KiB per round trip. node:http2 does not read while a write waits for the kernel, so two ends that
 * both may have more under way than the kernel's buffers hold can stop each other for good. An agent therefore runs over
 * an EagerSocket, which always reads; towards frontends, only the downward direction is wide.
 */
export const windowBytes = 4 * 1024 * 1024;
/** What it grows to at most: grpc-go's limit, too. */
export const maxWindowBytes = 16 * 1024 * 1024;

/** How often the way to the other end is measured at the beginning: a busy process answers late. */
const probes = 8;

/** A window holds a link back when a round trip brings more than this share of it: credit comes half a window at a time. */
const busyShare = 0.25;

/**
 * The receive window of one session, which carries one stream. It doubles as long as it is what bounds the stream: on a
 * long link, but not where the other end is near, because all that is under way delays what comes behind it. How far
 * the other end is shows when it acknowledges the settings that tell it of the window.
 */
export class GrowingWindow {
  private readonly session: Http2Session;
  private readonly clock: Clock;
  private sizeBytes = windowBytes;
  private probesLeft = probes;
  private roundTripMs = Number.POSITIVE_INFINITY;
  private receivedBytes = 0;
  private countedFromMs: number;

  constructor(session: Http2Session, clock: Clock) {
    this.session = session;
    this.clock = clock;
    this.countedFromMs = clock.now();
    this.announce();
  }

  /** To be told of all that the stream brings. Looks at the clock once in half a window. */
  received(bytes: number): void {
    this.receivedBytes += bytes;
    if (this.receivedBytes < this.sizeBytes / 2) return;
    const now = this.clock.now();
    const perMs = this.receivedBytes / Math.max(now - this.countedFromMs, 1e-3);
    this.receivedBytes = 0;
    this.countedFromMs = now;
    if (this.sizeBytes >= maxWindowBytes || this.roundTripMs === Number.POSITIVE_INFINITY) return;
    if (perMs * this.roundTripMs < this.sizeBytes * busyShare) return;
    this.sizeBytes *= 2;
    this.announce();
  }

  private announce(): void {
    const { session, sizeBytes } = this;
    if (session.destroyed || session.closed) return;
    const sentMs = this.clock.now();
    session.setLocalWindowSize(sizeBytes);
    session.settings({ initialWindowSize: sizeBytes }, (error) => {
      if (error !== null) return;
      this.roundTripMs = Math.min(this.roundTripMs, this.clock.now() - sentMs);
      this.probesLeft -= 1;
      if (this.probesLeft > 0) this.announce();
    });
  }
}
