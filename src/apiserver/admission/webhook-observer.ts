import type { AdmissionRequest } from '../request/admission.js';
import type { Webhook } from './configurations.js';

/** How a call ended: `failed-open` is a failure that the policy lets pass. */
export type CallOutcome = 'allowed' | 'denied' | 'failed' | 'failed-open';

/** One call of a webhook that is over. */
export interface CallReport {
  readonly webhook: Webhook;
  readonly request: AdmissionRequest;
  readonly durationMs: number;
  /** 200, that of the refusal, or the one that stands for the failure. */
  readonly code: number;
  readonly outcome: CallOutcome;
  /** What went wrong, for calls that failed. */
  readonly error?: string;
}

export type WebhookObserver = (report: CallReport) => void;
