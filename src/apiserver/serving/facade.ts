import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { FaithfulFor } from '../../core/faithful.js';
import type { Random } from '../../core/random.js';
import type { WallClock } from '../../core/wall-clock.js';
import type { TokenAuthenticator } from '../auth/authenticate.js';
import type { Authorizer } from '../auth/authorize.js';
import type { TokenKeys } from '../auth/service-account-tokens.js';
import type { EgressDialers } from '../egress/selector.js';
import type { KubeletConnector } from '../kubelet/connector.js';
import type { KubeletDirectory } from '../kubelet/target.js';
import type { Admission } from '../request/admission.js';
import type { ApiMetrics } from './api-metrics.js';
import type { InFlightGate } from './max-in-flight.js';
import type { Lifecycle } from './shutdown.js';
import type { StreamCounter } from './stream-counter.js';
import type { VersionInfo } from './version.js';

/** What all handlers of one API server share. */
export interface Facade extends KubeletDirectory {
  /** `apiserver/<name>`, as events call it. */
  readonly node: string;
  readonly kubelets: KubeletConnector;
  /** The ways to what is neither client nor store. */
  readonly egress: EgressDialers;
  readonly clock: Clock;
  readonly now: WallClock;
  readonly emit: EventSink;
  /** Names and IDs of new objects. */
  readonly random: Random;
  readonly tokenKeys: TokenKeys;
  readonly authenticateToken: TokenAuthenticator;
  readonly authorize: Authorizer;
  /** Asked before every write. */
  readonly admit: Admission;
  readonly version: VersionInfo;
  readonly streams: StreamCounter;
  /** Whether it is about to end. */
  readonly lifecycle: Lifecycle;
  /** How many requests may be under way. */
  readonly enter: InFlightGate;
  /** What `/metrics` tells. */
  readonly metrics: ApiMetrics;
  readonly faithful: ReadonlySet<FaithfulBug>;
}

/**
 * Where kube-apiserver hides from the client that a kubelet went away in mid-stream, and we do not unless asked to:
 * a cut log ends as if it were complete; a cut exec of a WebSocket client is reported as success.
 */
export type FaithfulBug = FaithfulFor<'apiserver'>;
