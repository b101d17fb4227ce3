import type { Socket } from 'node:net';
import type { SyncIntervals } from '../core/agent/sync.js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulName } from '../core/faithful.js';
import type { Random } from '../core/random.js';
import type { ClientTls, Renewable } from '../wire/net/tls.js';
import type { ServerCountOptions } from './server-count.js';

/** Opens a TCP connection to an endpoint; rejects with a TunnelError whose text is Go's. */
export type ConnectEndpoint = (
  host: string,
  port: number,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<Socket>;

export interface AgentOptions {
  /** Short name for events: `node-1`. */
  readonly name: string;
  readonly agentId: string;
  /** URL query, such as `ipv4=10.0.1.11&host=node-1`. */
  readonly identifiers: string;
  /** The one address of the proxy-servers, `host:port`; behind it may stand a balancer. */
  readonly server: string;
  /** What is renewable is taken as it is at each connect; `none` is for the bench alone. */
  readonly tls: ClientTls | Renewable<ClientTls> | 'none';
  /** What TLS offers by ALPN before h2; default nothing. */
  readonly alpnProtocols?: readonly string[];
  /** What the server's certificate must bear when it is not the host of `server`. */
  readonly serverName?: string;
  /**
   * What else a server is told at each connect, such as `authorization`: printable ASCII. When it throws, the attempt
   * has failed.
   */
  readonly metadata?: () => Readonly<Record<string, string>>;
  readonly connectEndpoint: ConnectEndpoint;
  readonly sync: SyncIntervals;
  /** Default: as many as servers say. */
  readonly serverCount?: ServerCountOptions;
  /** Goes on looking for servers when it holds as many as were announced. */
  readonly syncForever: boolean;
  /** Idle time after which a server is pinged, ms. Go servers cut agents that ping more than once per 30 s. */
  readonly keepaliveTimeMs: number;
  /**
   * How often a connection is looked at, ms: a server that has said that it goes (GOAWAY) is left, with all that runs
   * through it. Absent or 0: never, so that what runs may finish.
   */
  readonly probeIntervalMs?: number;
  /** How long a server may take to announce itself, ms. */
  readonly connectTimeoutMs: number;
  /** How long an endpoint may take to accept, ms. */
  readonly dialTimeoutMs: number;
  /** `/healthz`, `/readyz`, `/metrics` over plain HTTP. */
  readonly health: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** False makes no events of kind `packet`, whose making costs time for each; default true. */
  readonly packetEvents?: boolean;
  /** Behaviours of Konnectivity that are wanted back (`docs/faithful.md`); those of other roles are ignored. */
  readonly faithful?: readonly FaithfulName[];
}

/** Konnectivity's defaults, but a keepalive short enough for a 60 s idle timer on the way. */
export const agentDefaults = {
  sync: { intervalMs: 1000, capMs: 10_000 },
  syncForever: false,
  // Not 30 s sharp: what arrives a moment early counts against us.
  keepaliveTimeMs: 31_000,
  connectTimeoutMs: 10_000,
  dialTimeoutMs: 5000,
} as const satisfies Partial<AgentOptions>;
