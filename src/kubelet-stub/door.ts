import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Runtime } from './runtime/runtime.js';

/** What both doors of a kubelet share. */
export interface DoorContext {
  /** `kubelet/<name>`, as events and errors name it. */
  readonly node: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Epoch milliseconds. */
  readonly wallTimeMs: () => number;
  /** The requests that are being answered at this moment. */
  readonly active: Set<object>;
}
