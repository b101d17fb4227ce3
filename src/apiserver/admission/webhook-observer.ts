import type { AdmissionRequest } from '../request/admission.js';
import type { Webhook } from './configurations.js';

/** How a call ended. `failed-open` is a failure that the policy ignores. */
export type CallOutcome = 'allowed' | 'denied' | 'failed' | 'failed-open';

export interface CallReport {
  readonly webhook: Webhook;
  readonly request: AdmissionRequest;
  readonly durationMs: number;
  /** 200, the code of the refusal, or the code of the failure. */
  readonly code: number;
  readonly outcome: CallOutcome;
  readonly error?: string;
}

export type WebhookObserver = (report: CallReport) => void;
