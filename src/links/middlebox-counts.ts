import type { FlowVerdict } from './flow.js';

/** Totals since the start. `forgotten` counts flows that the idle timer or `forget` removed. */
export interface MiddleboxCounts {
  readonly openFlows: number;
  readonly openedFlows: number;
  readonly refusedFlows: number;
  readonly forgottenFlows: Readonly<Record<FlowVerdict, number>>;
  readonly clientBytes: number;
  readonly targetBytes: number;
  readonly lostBytes: number;
}
