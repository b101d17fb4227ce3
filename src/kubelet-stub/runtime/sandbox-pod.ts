import type { ContainerStatus, Pod } from '../../core/objects.js';
import type { SandboxContainer } from './sandbox-container.js';

/** A pod of the node with its containers. */
export interface SandboxPod {
  /** As it was given. */
  readonly pod: Pod;
  readonly containers: ReadonlyMap<string, SandboxContainer>;
  /** Names the pod's network namespace in texts. */
  readonly sandboxId: string;
}

/** The pod as the API shows it now. */
export function currentPod({ pod, containers }: SandboxPod, startTime: string): Pod {
  const containerStatuses = [...containers.values()].map((container) => container.status());
  const ready = containerStatuses.every((status) => status.ready) ? 'True' : 'False';
  return {
    ...pod,
    status: {
      ...pod.status,
      phase: phaseOf(containerStatuses),
      startTime: pod.status.startTime || startTime,
      conditions: pod.status.conditions.map((condition) =>
        condition.type === 'Ready' || condition.type === 'ContainersReady'
          ? { ...condition, status: ready }
          : condition,
      ),
      containerStatuses,
    },
  };
}

function phaseOf(statuses: readonly ContainerStatus[]): Pod['status']['phase'] {
  if (statuses.some(({ state }) => 'running' in state)) return 'Running';
  if (statuses.length === 0 || statuses.some(({ state }) => 'waiting' in state)) return 'Pending';
  const failed = statuses.some(({ state }) => 'terminated' in state && state.terminated.exitCode !== 0);
  return failed ? 'Failed' : 'Succeeded';
}
