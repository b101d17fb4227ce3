import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaithfulName } from '../core/faithful.js';
import type { Random } from '../core/random.js';
import type { StrategyName } from '../core/strategy.js';
import type { GrpcEndpoint, PlainEndpoint } from '../wire/grpc/grpc-listener.js';
import type { LeaseOptions } from './lease-options.js';
import type { AgentTokenOptions } from './token-review.js';

/** A door for frontends, and what is spoken there: gRPC unless it says otherwise. */
export type FrontendEndpoint = GrpcEndpoint & { readonly protocol?: 'grpc' | 'http-connect' };

export interface ProxyServerOptions {
  /** Short name for events: `server-1`. */
  readonly name: string;
  /** What agents tell servers apart by. */
  readonly serverId: string;
  /** How many servers the agents are told to look for. */
  readonly serverCount: number;
  /** Where frontends dial: any number of Unix sockets and mTLS ports, for gRPC or HTTP CONNECT. */
  readonly frontends: readonly FrontendEndpoint[];
  /** Where agents connect: with mTLS, unless its TLS names no CA. */
  readonly agents: (GrpcEndpoint & { readonly kind: 'tcp' }) | PlainEndpoint;
  /** Absent when agents need to show no token. */
  readonly agentTokens?: AgentTokenOptions;
  /** Absent when the server is announced by no lease. */
  readonly lease?: LeaseOptions;
  /** `/healthz`, `/readyz`, `/metrics` over plain HTTP. */
  readonly health: { readonly host: string; readonly port: number };
  readonly strategies: readonly StrategyName[];
  /** How long an agent may take to answer a dial, ms; 0 for ever. */
  readonly backendDialTimeoutMs: number;
  /** Idle time after which agents and frontends are pinged, ms. */
  readonly keepaliveTimeMs: number;
  /** The same for frontends, where it differs. */
  readonly frontendKeepaliveTimeMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** False makes no events of kind `packet`, whose making costs time for each; default true. */
  readonly packetEvents?: boolean;
  /** Behaviours of Konnectivity that are wanted back (`docs/faithful.md`); those of other roles are ignored. */
  readonly faithful?: readonly FaithfulName[];
}

/** Tried in order: the agent that claims the address, else any. */
export const defaultStrategies: readonly StrategyName[] = ['destHost', 'default'];
/** Bounded, unlike Konnectivity's: below the 30 s after which a kube-apiserver gives up without a reason. */
export const defaultBackendDialTimeoutMs = 20_000;
export const defaultKeepaliveTimeMs = 30_000;
