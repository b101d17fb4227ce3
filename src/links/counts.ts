import type { IdleVerdict } from './flow.js';

/** Totals since the start. `forgotten` are those that the idle timer, or `forget`, took. */
export interface MiddleboxCounts {
  readonly openFlows: number;
  readonly openedFlows: number;
  readonly refusedFlows: number;
  readonly forgottenFlows: Readonly<Record<IdleVerdict, number>>;
  readonly clientBytes: number;
  readonly targetBytes: number;
  readonly lostBytes: number;
}
