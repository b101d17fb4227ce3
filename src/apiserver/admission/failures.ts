import { badRequest, internalError, StatusError, type StatusReason } from '../request/status.js';
import { at, numberAt, textAt } from '../resources/api-object.js';
import { isObject } from '../resources/json.js';

/** A webhook that could not be asked, or whose answer is none. `code` is for metrics alone. */
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

export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}

/**
 * What a webhook's refusal becomes: its own `status`, made sure to be a failure (400 unless it says more), with
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
    // Whatever the webhook says goes to the client as it is.
    ...(reason === '' ? {} : { reason: reason as StatusReason }),
    ...(isObject(details) ? { details } : {}),
  });
}

/** Go's HTTP server writes no code of four digits: it panics, and kube-apiserver says so. */
function panic(): StatusError {
  const text = 'This request caused apiserver to panic. Look in the logs for details.';
  return new StatusError(500, text, { reason: 'InternalError', details: { causes: [{ message: text }] } });
}

/** A webhook that would change an object that is being deleted. */
export function nothingToChange(webhook: string): StatusError {
  return internalError(
    `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
  );
}
