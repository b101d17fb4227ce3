import type { Socket } from 'node:net';
import type { SyncIntervals } from '../core/agent/sync.js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulOptions } from '../core/faithful.js';
import type { Random } from '../core/random.js';
import type { Turns } from '../core/turns.js';
import type { FaultPoints } from '../links/fault-points.js';
import type { OpenSocket } from '../wire/carrier/tunnel-connection.js';
import type { HandshakeFaults } from '../wire/net/handshake-faults.js';
import type { HttpProxy } from '../wire/net/proxy-environment.js';
import type { ClientTls, Renewable } from '../wire/net/tls.js';
import type { ServerCountOptions } from './server-count.js';

/** Opens a TCP connection to an endpoint. Rejects with a TunnelError whose text is Go's. */
export type ConnectEndpoint = (
  host: string,
  port: number,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<Socket>;

export interface AgentOptions extends FaithfulOptions {
  /** Short name for events: `node-1`. */
  readonly name: string;
  readonly agentId: string;
  /** URL query, such as `ipv4=10.0.1.11&host=node-1`. */
  readonly identifiers: string;
  /** The address of the proxy-servers, `host:port`. A balancer may be behind it. */
  readonly server: string;
  /** Renewable files are read again for each connection. `none` is only for the benchmark. */
  readonly tls: ClientTls | Renewable<ClientTls> | 'none';
  /** Protocols that TLS offers by ALPN before h2. Default: only h2. */
  readonly alpnProtocols?: readonly string[];
  /** The name that the server's certificate must have. Default: the host of `server`. */
  readonly serverName?: string;
  /** An HTTP proxy on the way to the servers. Endpoints are always dialled directly. Default: none. */
  readonly proxy?: HttpProxy | undefined;
  /** More metadata at each connection, such as `authorization`: printable ASCII. A throw fails the attempt. */
  readonly metadata?: () => Readonly<Record<string, string>>;
  readonly connectEndpoint: ConnectEndpoint;
  /** Begins to connect to a server. Default `net.connect` to `server`, or to `proxy`. */
  readonly openServer?: OpenSocket;
  readonly sync: SyncIntervals;
  /** Where it meets its faults. Default: none. */
  readonly faults?: FaultPoints;
  /** What is wrong in its handshakes with servers. Default: nothing. */
  readonly handshakes?: HandshakeFaults;
  /** How the agent learns the number of servers. Default: from the servers. */
  readonly serverCount?: ServerCountOptions;
  /**
   * Agents of one process that share it connect a few at a time: if a thousand did at once, the first would wait for the
   * last, and give up. Default: without waiting.
   */
  readonly turns?: Turns;
  /** True looks for servers also when the agent has as many as were announced. */
  readonly syncForever: boolean;
  /** Idle time after which a server is pinged, ms. Go servers cut agents that ping more often than every 30 s. */
  readonly keepaliveTimeMs: number;
  /**
   * How often a connection is checked, ms. A server that has announced its end (GOAWAY) is left, and all connections
   * through it end. Absent or 0: connections are not checked, so that they may finish.
   */
  readonly probeIntervalMs?: number;
  /** How long a server may take to announce itself, ms. */
  readonly connectTimeoutMs: number;
  /** How long an endpoint may take to accept, ms. */
  readonly dialTimeoutMs: number;
  /** `/healthz`, `/readyz`, `/metrics` over plain HTTP. Default: no such port. */
  readonly health?: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** False makes no events of kind `packet`, which saves time for each packet. Default true. */
  readonly packetEvents?: boolean;
}

/** Konnectivity's defaults, but with a keepalive that is short enough for a 60 s idle timer on the way. */
export const agentDefaults = {
  sync: { intervalMs: 1000, capMs: 10_000 },
  syncForever: false,
  // A little more than 30 s, because a ping that arrives a moment too early is counted as a fault.
  keepaliveTimeMs: 31_000,
  connectTimeoutMs: 10_000,
  dialTimeoutMs: 5000,
} as const satisfies Partial<AgentOptions>;
