import type { Clock } from '../core/clock.js';
import { type CongestionMarks, connectionMarks } from '../core/congestion.js';
import { blockingMarks, type FaithfulSet } from '../core/faithful.js';
import type { Congestible } from '../core/port.js';
import { SharedBacklog } from '../core/shared-backlog.js';

/** How much may wait for frontends before their agents are not read on (R22). */
export interface FrontendBounds {
  /** For one of them. */
  readonly marks: CongestionMarks;
  /** For all that take what they get; the original knows no such bound. */
  readonly together: SharedBacklog | undefined;
}

export function createFrontendBounds(clock: Clock, faithful: FaithfulSet): FrontendBounds {
  if (faithful.has('head-of-line-blocking')) return { marks: blockingMarks, together: undefined };
  return { marks: connectionMarks, together: new SharedBacklog(clock) };
}

/** Which of two a feeder has to wait for, if any. */
export function fuller(
  one: Congestible | undefined,
  other: Congestible | undefined,
): Congestible | undefined {
  return one?.congested === true ? one : other;
}
