import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulOptions, FaithfulSet } from '../core/faithful.js';
import type { Random } from '../core/random.js';
import type { StrategyName } from '../core/strategy.js';
import type { FaultPoints } from '../links/fault-points.js';
import type { HandshakeFaults } from '../wire/net/handshake-faults.js';
import type { GrpcEndpoint, PlainEndpoint } from '../wire/net/secure-listener.js';
import type { LeaseOptions } from './lease-options.js';
import type { AgentTokenOptions } from './token-review.js';

/** A listener for frontends, and its protocol. Default gRPC. */
export type FrontendEndpoint = GrpcEndpoint & { readonly protocol?: 'grpc' | 'http-connect' };

export interface ProxyServerOptions extends FaithfulOptions {
  /** Short name for events: `server-1`. */
  readonly name: string;
  /** The ID by which agents tell servers apart. */
  readonly serverId: string;
  /** The number of servers that this server announces to agents. */
  readonly serverCount: number;
  /** Where frontends connect: any number of Unix sockets and mTLS ports, for gRPC or HTTP CONNECT. */
  readonly frontends: readonly FrontendEndpoint[];
  /** Where agents connect. It is mTLS unless its TLS names no CA. */
  readonly agents: (GrpcEndpoint & { readonly kind: 'tcp' }) | PlainEndpoint;
  /** Absent when agents need no token. */
  readonly agentTokens?: AgentTokenOptions;
  /** Absent when the server has no lease. */
  readonly lease?: LeaseOptions;
  /** `/healthz`, `/readyz`, `/metrics` over plain HTTP. */
  readonly health: { readonly host: string; readonly port: number };
  readonly strategies: readonly StrategyName[];
  /** How long an agent may take to answer a dial, ms. 0 means no limit. Default 0, and 20 s with `as: 'ideal'`. */
  readonly backendDialTimeoutMs?: number;
  /** Idle time after which agents and frontends are pinged, ms. */
  readonly keepaliveTimeMs: number;
  /** The same for frontends. Default: `keepaliveTimeMs`. */
  readonly frontendKeepaliveTimeMs?: number;
  /** Where it meets its faults. Default: none. */
  readonly faults?: FaultPoints;
  /** What is wrong in its handshakes with agents. Default: nothing. */
  readonly agentHandshakes?: HandshakeFaults;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** False makes no events of kind `packet`, which saves time for each packet. Default true. */
  readonly packetEvents?: boolean;
}

/** Tried in order: the agent that claims the address, then any agent. */
export const defaultStrategies: readonly StrategyName[] = ['destHost', 'default'];
/** Below the 30 s after which kube-apiserver cancels a dial without a reason. */
const idealDialTimeoutMs = 20_000;

/** Konnectivity has no limit by default. */
export function defaultBackendDialTimeoutMs(faithful: FaithfulSet): number {
  return faithful.has('no-dial-timeout') ? 0 : idealDialTimeoutMs;
}
export const defaultKeepaliveTimeMs = 30_000;
