/** What keepalive pings a gRPC server takes from its clients. */
export interface KeepalivePolicy {
  /** The shortest time between two pings of a client, ms. */
  readonly minTimeMs: number;
  /** Whether a connection without streams may be pinged as often as one with. */
  readonly permitWithoutStream: boolean;
}

/** Konnectivity's server towards agents. */
export const agentKeepalivePolicy: KeepalivePolicy = { minTimeMs: 30_000, permitWithoutStream: true };
/** grpc-go's own, which Konnectivity's server keeps towards frontends. */
export const frontendKeepalivePolicy: KeepalivePolicy = { minTimeMs: 300_000, permitWithoutStream: false };

/** The shortest time between pings on a connection that has no stream, and may not be pinged without, ms. */
const minTimeWithoutStreamMs = 7_200_000;
const maxStrikes = 2;

/**
 * Counts the pings of one connection that come too early, as grpc-go's servers do. A ping is measured against the one
 * before, the first against none. What the server sends on a stream wipes the slate, and pardons the next ping.
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

  /** A ping came while so many streams were open. True when it is one too many: the connection must end. */
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
