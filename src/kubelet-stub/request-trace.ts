import { TunnelError } from '../core/errors.js';
import type { RequestEvent } from '../core/events.js';
import type { DoorContext } from './door.js';

/** What is known of a request when it arrives. */
export interface RequestSubject {
  readonly verb: string;
  readonly path: string;
  readonly protocol: string;
  /** The user request that this one belongs to, when the caller named it. */
  readonly request?: string | undefined;
  readonly peer?: string | undefined;
}

export interface RequestOutcome {
  readonly status?: number;
  readonly exitCode?: number;
  /** The wire that was agreed on, where it is known only later than the request. */
  readonly protocol?: string;
}

/** Reports one request: started now, finished or failed once. */
export interface RequestTrace {
  finished(outcome?: RequestOutcome): void;
  failed(caught: unknown, outcome?: RequestOutcome): void;
}

type Details = Pick<RequestEvent, 'request' | 'peer'>;

function detailsOf(subject: RequestSubject): Details {
  return {
    ...(subject.request === undefined ? {} : { request: subject.request }),
    ...(subject.peer === undefined ? {} : { peer: subject.peer }),
  };
}

/** Emits `request.started`; the first call on the trace emits how the request ended, later ones do nothing. */
export function traceRequest(context: DoorContext, subject: RequestSubject): RequestTrace {
  const { node, emit, clock, active } = context;
  const { verb, path, protocol } = subject;
  const common = { node, verb, path, protocol, ...detailsOf(subject) };
  const key = {};
  const startedAt = clock.now();
  const end = (event: Pick<RequestEvent, 'kind' | 'error'>, outcome: RequestOutcome): void => {
    if (!active.delete(key)) return;
    emit({ ...common, ...outcome, ...event, durationMs: clock.now() - startedAt });
  };
  active.add(key);
  emit({ ...common, kind: 'request.started' });
  return {
    finished: (outcome = {}) => end({ kind: 'request.finished' }, outcome),
    failed: (caught, outcome = {}) =>
      end({ kind: 'request.failed', error: TunnelError.from(caught).message }, outcome),
  };
}
