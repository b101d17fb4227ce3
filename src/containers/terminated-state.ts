import type { ContainerState } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { urlOf } from './container-words.js';
import type { Termination } from './runtime.js';

export type Terminated = Extract<ContainerState, { readonly terminated: unknown }>;

/** A run that has ended. */
export interface EndedAt {
  readonly id: string;
  /** 0 for one whose main process could not be started, as containerd says it. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export function terminatedState(
  { exitCode, reason = exitCode === 0 ? 'Completed' : 'Error', message }: Termination,
  { id, startedAtMs, finishedAtMs }: EndedAt,
): Terminated {
  const times = { startedAt: rfc3339(startedAtMs), finishedAt: rfc3339(finishedAtMs) };
  const said = message === undefined ? {} : { message };
  return { terminated: { exitCode, reason, ...said, ...times, containerID: urlOf(id) } };
}
