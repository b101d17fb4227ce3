import { TunnelError } from '../core/errors.js';

/** What an API says about a failure: the fields of `metav1.Status` that programs look at. */
export interface KubeStatus {
  readonly code: number;
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Expired` …; empty when unknown. */
  readonly reason: string;
  readonly message: string;
}

export class KubeStatusError extends TunnelError {
  readonly status: KubeStatus;

  constructor(status: KubeStatus, where: string) {
    super('API_REFUSED', status.message, { where });
    this.status = status;
  }
}

/** What an API said about a failure; undefined for failures of another kind. */
export function statusOf(caught: unknown): KubeStatus | undefined {
  return caught instanceof KubeStatusError ? caught.status : undefined;
}

/** The status in the body of an answer. For a body that is not a `Status`, one is made from the HTTP code. */
export function readStatus(httpStatus: number, body: string): KubeStatus {
  const { kind, code, reason, message } = fields(body);
  const told = kind === 'Status';
  return {
    code: told && typeof code === 'number' ? code : httpStatus,
    reason: told && typeof reason === 'string' ? reason : (reasons[httpStatus] ?? ''),
    message:
      told && typeof message === 'string' ? message : `the server answered with HTTP status ${httpStatus}`,
  };
}

const reasons: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  410: 'Expired',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
};

function fields(body: string): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
