import type { WebhookEvent } from '../../core/events.js';
import type { AdmissionRequest } from '../request/admission.js';
import { at } from '../resources/api-object.js';
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

/** The journal's event for a call. */
export function webhookEvent(report: CallReport): Omit<WebhookEvent, 'node'> {
  const { webhook, request, durationMs, code, outcome, error } = report;
  const about = {
    request: request.request,
    webhook: webhook.name,
    egress: at(webhook.clientConfig, 'service') === undefined ? 'controlplane' : 'cluster',
    policy: webhook.ignoresFailure ? 'Ignore' : 'Fail',
    status: code,
    durationMs,
  } as const;
  if (outcome === 'allowed' || outcome === 'denied') {
    return { kind: 'webhook.answered', ...about, allowed: outcome === 'allowed' ? 'true' : 'false' };
  }
  return { kind: 'webhook.failed', ...about, ...(error === undefined ? {} : { error }) };
}
