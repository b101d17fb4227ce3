import type { Clock } from '../../core/clock.js';
import type { AdmissionRequest } from '../request/admission.js';
import { badRequest, internalError, StatusError, type StatusReason } from '../request/status.js';
import { at, numberAt, textAt } from '../resources/api-object.js';
import { isObject } from '../resources/json.js';

/** A webhook could not be called, or its answer is invalid. `code` is only for metrics. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly code: number;

  constructor(reason: string, code = 503) {
    super(reason);
    this.code = code;
  }
}

/** 500: `Internal error occurred: failed calling webhook "NAME": REASON`. */
export function failedCall(webhook: string, failure: CallFailure): StatusError {
  return internalError(`failed calling webhook ${JSON.stringify(webhook)}: ${failure.message}`);
}

/** 504, as kube-apiserver: for a client that has left, or whose time is over, nothing is called or stored. */
export function refuseOver({ signal, deadlineMs = Infinity }: AdmissionRequest, clock: Clock): void {
  const cause = signal.aborted ? 'canceled' : clock.now() >= deadlineMs ? 'deadline exceeded' : undefined;
  if (cause === undefined) return;
  const text = `Timeout: request did not complete within requested timeout - context ${cause}`;
  throw new StatusError(504, text, { reason: 'Timeout' });
}

export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}

/**
 * The Status for a webhook's refusal: the webhook's own `status`, made a failure (400 unless it has another code), with
 * `admission webhook "NAME" denied the request` before its message or its reason.
 */
export function refusal(webhook: string, status: unknown): StatusError {
  const code = Math.max(400, numberAt(status, 'code'));
  if (code > 999) return panic();
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const reason = textAt(status, 'reason');
  const cause = textAt(status, 'message') || reason;
  const details = at(status, 'details');
  return new StatusError(code, cause === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${cause}`, {
    // The client gets whatever the webhook says, unchanged.
    ...(reason === '' ? {} : { reason: reason as StatusReason }),
    ...(isObject(details) ? { details } : {}),
  });
}

/** Go's HTTP server cannot write a code of four digits: it panics, and kube-apiserver reports that. */
function panic(): StatusError {
  const text = 'This request caused apiserver to panic. Look in the logs for details.';
  return new StatusError(500, text, { reason: 'InternalError', details: { causes: [{ message: text }] } });
}

export function nothingToChange(webhook: string): StatusError {
  return internalError(
    `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
  );
}
