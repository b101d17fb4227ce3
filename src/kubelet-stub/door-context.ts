import type { TLSSocket } from 'node:tls';
import type { Runtime } from '../containers/runtime.js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { FaultPoints } from '../links/fault-points.js';
import type { AccessControl } from './auth/access-control.js';
import type { PeerIdentity } from './auth/peer-identity.js';
import type { KubeletSettings } from './config.js';
import type { HealthChecks } from './http-health.js';
import type { HttpCounters } from './metrics/http-counters.js';
import type { UsageMeter } from './metrics/node-usage.js';
import type { NodeLogs } from './node-logs/node-logs.js';
import type { StreamTokens } from './stream-tokens.js';

/** What both doors of a kubelet share. */
export interface DoorContext {
  /** `kubelet/<name>`, as events and errors name it. */
  readonly node: string;
  readonly nodeName: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Epoch milliseconds. */
  readonly wallTimeMs: () => number;
  /** The requests that are being answered now. */
  readonly active: Set<object>;
  readonly access: AccessControl;
  readonly faults: FaultPoints;
  /** Aborted when the kubelet closes. */
  readonly closing: AbortSignal;
  /** Whose connection it is, by its certificate and the clock of this node. */
  readonly identify: (socket: TLSSocket) => PeerIdentity;
  readonly settings: KubeletSettings;
  readonly counters: HttpCounters;
  readonly health: HealthChecks;
  readonly streamTokens: StreamTokens;
  readonly nodeLogs: NodeLogs;
  readonly meter: UsageMeter;
  /** When the kubelet started, epoch milliseconds. */
  readonly startedAtMs: number;
  /** The address that it listens on; known once it listens. */
  readonly address: () => { readonly host: string; readonly port: number };
}
