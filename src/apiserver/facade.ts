import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { KubeletConnector } from './kubelet/connector.js';
import type { KubeletDirectory } from './kubelet/target.js';
import type { StreamCounter } from './stream-counter.js';
import type { VersionInfo } from './version.js';
import type { WallClock } from './wall-clock.js';

/** What all handlers of one API server share. */
export interface Facade extends KubeletDirectory {
  /** `apiserver/<name>`, as events call it. */
  readonly node: string;
  readonly kubelets: KubeletConnector;
  readonly clock: Clock;
  readonly now: WallClock;
  readonly emit: EventSink;
  readonly version: VersionInfo;
  readonly streams: StreamCounter;
  readonly faithful: ReadonlySet<FaithfulBug>;
}

/**
 * Where kube-apiserver hides from the client that a kubelet went away in mid-stream, and we do not unless asked to:
 * a cut log ends as if it were complete; a cut exec of a WebSocket client is reported as success.
 */
export type FaithfulBug = 'log-cut-is-complete' | 'exec-cut-is-success';
