import { TunnelError } from '../core/errors.js';
import type { RequestEvent } from '../core/events.js';
import type { RemoteCommandResult } from '../streams/types.js';
import type { DoorContext } from './door-context.js';

export interface RequestSubject {
  readonly verb: string;
  readonly path: string;
  readonly protocol: string;
  /** The ID of the user request that this one belongs to, when the caller sent one. */
  readonly request?: string | undefined;
  readonly peer?: string | undefined;
}

export interface RequestOutcome {
  readonly status?: number;
  readonly exitCode?: number;
  /** The agreed protocol, where it is known later than the request. */
  readonly protocol?: string;
}

/** Reports one request: started now, then finished or failed, once. */
export interface RequestTrace {
  finished(outcome?: RequestOutcome): void;
  failed(caught: unknown, outcome?: RequestOutcome): void;
  /** Reports a command that continues without its client: `command.left`, and at its end `command.ended`. */
  follow(command: Promise<RemoteCommandResult>, clientGone: AbortSignal): Promise<RemoteCommandResult>;
}

function detailsOf(subject: RequestSubject): Pick<RequestEvent, 'request' | 'peer'> {
  return {
    ...(subject.request === undefined ? {} : { request: subject.request }),
    ...(subject.peer === undefined ? {} : { peer: subject.peer }),
  };
}

/** Emits `request.started`. The first call on the trace emits how the request ended; later calls do nothing. */
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
  const follow: RequestTrace['follow'] = async (command, clientGone) => {
    let leftAt: number | undefined;
    const leave = (): void => {
      leftAt = clock.now();
      emit({ ...common, kind: 'command.left', text: 'the command goes on without its client' });
    };
    const ended = (how: Pick<RequestEvent, 'exitCode' | 'error'>): void => {
      clientGone.removeEventListener('abort', leave);
      if (leftAt === undefined) return;
      emit({ ...common, ...how, kind: 'command.ended', durationMs: clock.now() - leftAt });
    };
    if (clientGone.aborted) leave();
    else clientGone.addEventListener('abort', leave, { once: true });
    try {
      const result = await command;
      ended(result.kind === 'exit' ? { exitCode: result.code } : { error: result.message });
      return result;
    } catch (caught) {
      ended({ error: TunnelError.from(caught).message });
      throw caught;
    }
  };
  return {
    follow,
    finished: (outcome = {}) => end({ kind: 'request.finished' }, outcome),
    failed: (caught, outcome = {}) =>
      end({ kind: 'request.failed', error: TunnelError.from(caught).message }, outcome),
  };
}
