import type { ErrorCode } from '../../core/errors.js';
import type { CauseName } from './cause.js';

/** A cause that the events prove. */
export interface ProvenCause {
  /** Its name; `docs/explain.md` lists all. */
  readonly cause: CauseName;
  /** Its numbers in the catalogue of faults, such as `S1 S10`. Empty for a cause that is no fault. */
  readonly faults: string;
  /** What happened, with the names and times of this request. */
  readonly why: string;
  /** The `seq` of the events that prove it, in order. */
  readonly evidence: readonly number[];
  /** What to do about it. */
  readonly hint: string;
}

/** Why a request failed. */
export interface Explanation {
  /** The request, such as `exec-1`, or the ID of a dial that belongs to none. */
  readonly request: string;
  /** What was asked for: `exec default/web-1/web`. Empty when no event says it. */
  readonly asked: string;
  /** `failed`: its user was told. `finished`: it ended as if all was well. `open`: no event says that it ended. */
  readonly outcome: 'failed' | 'finished' | 'open';
  /** The line that the user saw. Empty when there was none, as after an exec that was cut behind kube-apiserver. */
  readonly line: string;
  /** The code of the failure, where the events say it. */
  readonly code?: ErrorCode;
  /** The part whose words the line has: `server/server-1`, `agent/node-1`, `kubelet/node-1` … Empty without a line. */
  readonly saidBy: string;
  /**
   * The causes that events prove: first what the user met, then what is behind it. Several of one kind are candidates that
   * all hold. Empty when the request did not fail, or when nothing is proven.
   */
  readonly causes: readonly ProvenCause[];
  /** Without a proven cause: what is known all the same. */
  readonly known: readonly string[];
  /** Without a proven cause: for each cause that it could be, the events that would prove it. */
  readonly missing: readonly string[];
  /** All of it for people, in several lines, with the events. */
  readonly text: string;
}
