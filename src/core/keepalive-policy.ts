/** Which keepalive pings a gRPC server accepts from its clients. */
export interface KeepalivePolicy {
  /** The shortest time between two pings of a client, ms. */
  readonly minTimeMs: number;
  /** Whether a connection without streams may send pings as often as one with streams. */
  readonly permitWithoutStream: boolean;
}

/** The policy of Konnectivity's server for agents. */
export const agentKeepalivePolicy: KeepalivePolicy = { minTimeMs: 30_000, permitWithoutStream: true };
/** grpc-go's default, which Konnectivity's server has for frontends. */
export const frontendKeepalivePolicy: KeepalivePolicy = { minTimeMs: 300_000, permitWithoutStream: false };
/** The shortest time between pings on a connection without streams, when `permitWithoutStream` is false, ms. */
const minTimeWithoutStreamMs = 7_200_000;
const maxStrikes = 2;

/**
 * Counts the pings of one connection that come too early, as grpc-go's servers do. Each ping but the first is compared
 * with the one before. When the server sends something on a stream, the count returns to 0 and the next ping is always
 * accepted.
 */
export class PingStrikes {
  private readonly policy: KeepalivePolicy;
  private strikes = 0;
  private pardoned = false;
  private lastPingAt = -Infinity;

  constructor(policy: KeepalivePolicy) {
    this.policy = policy;
  }

  /** Headers, data or trailers went to the client. */
  sent(): void {
    this.pardoned = true;
  }

  /** A ping came while `openStreams` were open. Returns true when it is one too many: the connection must end. */
  ping(nowMs: number, openStreams: number): boolean {
    const { minTimeMs, permitWithoutStream } = this.policy;
    const wantedMs = openStreams === 0 && !permitWithoutStream ? minTimeWithoutStreamMs : minTimeMs;
    const early = nowMs - this.lastPingAt < wantedMs;
    this.lastPingAt = nowMs;
    if (this.pardoned) {
      this.pardoned = false;
      this.strikes = 0;
    } else if (early) {
      this.strikes += 1;
    }
    return this.strikes > maxStrikes;
  }
}
