import type { Clock } from '../core/clock.js';
import { type CongestionMarks, connectionMarks } from '../core/congestion.js';
import { blockingMarks, type FaithfulSet } from '../core/faithful.js';
import { SharedBacklog } from '../core/shared-backlog.js';

/** How many bytes may wait for frontends before their agents are not read any more (R22). */
export interface FrontendBounds {
  /** The limit of one frontend. */
  readonly marks: CongestionMarks;
  /** The limit of all frontends that take bytes together. The original has no such limit. */
  readonly together: SharedBacklog | undefined;
}

export function createFrontendBounds(clock: Clock, faithful: FaithfulSet): FrontendBounds {
  if (faithful.has('head-of-line-blocking')) return { marks: blockingMarks, together: undefined };
  return { marks: connectionMarks, together: new SharedBacklog(clock) };
}
