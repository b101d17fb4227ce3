import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { FaithfulSet } from '../../core/faithful.js';
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

export interface Facade extends KubeletDirectory {
  /** `apiserver/<name>`, as in events. */
  readonly node: string;
  readonly kubelets: KubeletConnector;
  /** Dials everything that is neither client nor store. */
  readonly egress: EgressDialers;
  readonly clock: Clock;
  readonly now: WallClock;
  readonly emit: EventSink;
  readonly random: Random;
  readonly tokenKeys: TokenKeys;
  readonly authenticateToken: TokenAuthenticator;
  readonly authorize: Authorizer;
  readonly admit: Admission;
  readonly version: VersionInfo;
  readonly streams: StreamCounter;
  readonly lifecycle: Lifecycle;
  readonly enter: InFlightGate;
  readonly metrics: ApiMetrics;
  readonly faithful: FaithfulSet;
}
