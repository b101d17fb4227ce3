import type { LabEvent } from '../../core/events.js';
import type { Case } from './case.js';

/** A cause of a failed request. `docs/explain.md` lists them with what proves each. */
export type CauseName =
  // A webhook, and the API server itself.
  | 'webhook-service'
  | 'webhook-url'
  | 'webhook-ignored'
  | 'webhook-denied'
  | 'api-refused'
  | 'caller-left'
  // The kubelet's answer, and TLS with it.
  | 'kubelet-unauthorized'
  | 'kubelet-forbidden'
  | 'kubelet-not-found'
  | 'kubelet-debug-off'
  | 'kubelet-failed'
  | 'kubelet-tls'
  // A connection that was cut.
  | 'agent-lost'
  | 'server-lost'
  | 'frontend-lost'
  | 'endpoint-lost'
  | 'reader-stalled'
  | 'id-collision'
  | 'stale-connection'
  // No agent available.
  | 'agent-dead'
  | 'agent-left'
  | 'server-just-started'
  | 'wrong-count'
  | 'same-server-id'
  | 'other-agent-id'
  | 'balancer'
  | 'name-resolution'
  | 'agent-certificate'
  | 'agent-token'
  | 'agent-cannot-connect'
  | 'no-candidate'
  // The server could not be reached.
  | 'server-down'
  | 'server-out-of-reach'
  | 'server-tls'
  // A dial that failed at the agent, or that was not answered.
  | 'endpoint-refused'
  | 'endpoint-unreachable'
  | 'endpoint-unknown-name'
  | 'endpoint-failed'
  | 'endpoint-silent'
  | 'request-lost'
  | 'agent-silent'
  | 'answer-lost'
  | 'reply-lost'
  // Behind the others: what happened on the way.
  | 'flow-forgotten'
  | 'flow-cut'
  | 'fault-hit';

/** What the events of one case say of a cause. */
export interface Found {
  /** What happened, in sentences with the names and times of the case. */
  readonly why: string;
  /** The events that prove it. */
  readonly evidence: readonly LabEvent[];
}

/** One cause, and how it is recognized. */
export interface Cause {
  readonly name: CauseName;
  /** Its numbers in the catalogue of faults, such as `S1 S11`; empty for causes that are no faults. */
  readonly faults: string;
  /** What it is, in one sentence. */
  readonly means: string;
  /** The events that prove it. */
  readonly proof: string;
  /** What to do about it. */
  readonly hint: string;
  /** Undefined when the events do not prove it. */
  readonly find: (facts: Case) => Found | undefined;
}

/** The causes of one kind of failure. */
export interface Family {
  /** As the heading in `docs/explain.md`. */
  readonly name: string;
  /** True when the failure is of this kind, so that without a proof the proofs of its causes are named. */
  readonly fits: (facts: Case) => boolean;
  readonly causes: readonly Cause[];
}
