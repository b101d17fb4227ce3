import { type ErrorCode, TunnelError } from '../../core/errors.js';

/** Kubernetes' meta.k8s.io Status: the form of every failure of the API. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  /** `continue`: the token to continue a failed list with. */
  readonly metadata: { readonly continue?: string };
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code: number;
}

export type StatusReason =
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType';

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly retryAfterSeconds?: number;
  readonly causes?: readonly {
    readonly reason?: string;
    readonly message: string;
    readonly field?: string;
  }[];
}

interface StatusExtras {
  /** Absent for Go errors without a reason; kubectl then prints `Error from server: MESSAGE`. */
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly metadata?: Status['metadata'];
  /** Answered before the API objects are involved, so clients get text and no Status. */
  readonly plainText?: boolean;
  /** What failed behind the answer, for the journal. Clients do not see it. */
  readonly cause?: unknown;
}

/** An unsuccessful answer of the API. Handlers throw it; the owner of the response writes it. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;
  readonly plainText: boolean;

  constructor(code: number, message: string, { plainText = false, cause, ...extras }: StatusExtras = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.plainText = plainText;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...extras,
      code,
    };
  }
}

/** `pods "x" not found`. */
export function notFound(resource: { group: string; plural: string }, name: string): StatusError {
  return new StatusError(404, `${qualified(resource)} "${name}" not found`, {
    reason: 'NotFound',
    details: nameDetails(resource, name),
  });
}

export function unknownPath(): StatusError {
  return new StatusError(404, 'the server could not find the requested resource', {
    reason: 'NotFound',
    details: {},
  });
}

export function methodNotAllowed(): StatusError {
  return new StatusError(405, 'the server does not allow this method on the requested resource', {
    reason: 'MethodNotAllowed',
    details: {},
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, message, { reason: 'BadRequest' });
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', { reason: 'Unauthorized' });
}

/** The requested resource version is older than the history. */
export function expired(message: string, metadata: Status['metadata'] = {}): StatusError {
  return new StatusError(410, message, { reason: 'Expired', metadata });
}

/** 429: too many requests. It is answered before the API objects are involved, so clients get plain text. */
export function tooManyRequests(): StatusError {
  return new StatusError(429, 'Too many requests, please try again later.', {
    reason: 'TooManyRequests',
    details: { retryAfterSeconds: 1 },
    plainText: true,
  });
}

export function internalError(message: string): StatusError {
  return new StatusError(500, `Internal error occurred: ${message}`, {
    reason: 'InternalError',
    details: { causes: [{ message }] },
  });
}

/** Turns anything caught into the Status to answer with. */
export function statusOf(caught: unknown): Status {
  if (caught instanceof StatusError) return caught.status;
  if (caught instanceof TunnelError) return new StatusError(caught.httpStatus, caught.message).status;
  return internalError(caught instanceof Error ? caught.message : String(caught)).status;
}

/** The error code of the tunnel or of TLS that caused this error. Undefined when something else caused it. */
export function codeBehind(caught: unknown): ErrorCode | undefined {
  if (caught instanceof TunnelError) return caught.code;
  return caught instanceof Error && caught.cause !== undefined ? codeBehind(caught.cause) : undefined;
}

/** `pods`, or `deployments.apps` outside the core group. */
export function qualified(resource: { group: string; plural: string }): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** 409: `pods "x" already exists`. */
export function alreadyExists(resource: { group: string; plural: string }, name: string): StatusError {
  return new StatusError(409, `${qualified(resource)} "${name}" already exists`, {
    reason: 'AlreadyExists',
    details: nameDetails(resource, name),
  });
}

/** 409: `Operation cannot be fulfilled on pods "x": CAUSE`. */
export function conflict(
  resource: { group: string; plural: string },
  name: string,
  cause = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  return new StatusError(409, `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${cause}`, {
    reason: 'Conflict',
    details: nameDetails(resource, name),
  });
}

/** 403: `pods "x" is forbidden: CAUSE`; without a name `pods is forbidden: CAUSE`. */
export function forbidden(
  resource: { group: string; plural: string },
  name: string,
  cause: string,
): StatusError {
  const subject = name === '' ? qualified(resource) : `${qualified(resource)} "${name}"`;
  return new StatusError(403, `${subject} is forbidden: ${cause}`, {
    reason: 'Forbidden',
    details: nameDetails(resource, name),
  });
}

function nameDetails({ group, plural }: { group: string; plural: string }, name: string): StatusDetails {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural };
}
