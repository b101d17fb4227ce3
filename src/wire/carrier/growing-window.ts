import type { Http2Session } from 'node:http2';
import type { Clock } from '../../core/clock.js';

/**
 * The first receive window of both ends of an agent's link, and of frontends, bytes. The default would limit each
 * direction to 64 KiB per round trip. node:http2 does not read while a write waits for the kernel, so two ends that
 * both may send more than the kernel's buffers hold can stop each other for good. An agent therefore uses an
 * EagerSocket, which always reads. For frontends only the direction to the frontend is wide.
 */
export const windowBytes = 4 * 1024 * 1024;
/**
 * The receive window of a frontend's connection at the server, bytes. A frontend has no eager socket (in JS it would
 * cost more than the rest of its work). So its window must fit the kernel's buffers, and those of a Unix socket hold
 * some 200 KiB. Its link is short; twice the default saves half of the wake-ups.
 */
export const frontendWindowBytes = 128 * 1024;
/** The largest window, which is grpc-go's limit, too. */
export const maxWindowBytes = 16 * 1024 * 1024;
/** How many times the round trip is measured at the beginning, because a busy process answers late. */
const probes = 8;
/** Credit comes for half a window at a time: above this share in one round trip, the window limits the link. */
const busyShare = 0.25;

/**
 * The receive window of one session, which carries one stream. It doubles while it limits the stream: on a long link,
 * but not on a short one, where more bytes under way only delay later ones. The time until the other end acknowledges
 * the settings with the window shows the length of the link. That is measured when the first packet comes, which opens a
 * connection: most agents of many carry none.
 */
export class GrowingWindow {
  private readonly session: Http2Session;
  private readonly clock: Clock;
  private sizeBytes = windowBytes;
  private probesLeft = probes;
  private roundTripMs = Number.POSITIVE_INFINITY;
  private receivedBytes = 0;
  private begun = false;
  private countedFromMs: number;

  constructor(session: Http2Session, clock: Clock) {
    this.session = session;
    this.clock = clock;
    this.countedFromMs = clock.now();
  }

  /** Call this for all bytes of the stream. It reads the clock once in half a window. */
  received(bytes: number): void {
    if (!this.begun) this.announce();
    this.begun = true;
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
