import type { ContainerStatus, Pod } from '../kube/pod-objects.js';
import type { SandboxContainer } from './sandbox-container.js';

interface WithStatus {
  status(): ContainerStatus;
}

export interface PodContainers {
  /** As it was given. */
  readonly pod: Pod;
  readonly inits: readonly WithStatus[];
  readonly mains: readonly WithStatus[];
  readonly ephemerals: readonly WithStatus[];
}

export interface SandboxPod extends PodContainers {
  pod: Pod;
  readonly mains: readonly SandboxContainer[];
  readonly ephemerals: SandboxContainer[];
  /** All containers, in the order of their creation. */
  readonly containers: SandboxContainer[];
  /** Names the pod's network namespace in texts. */
  readonly sandboxId: string;
}

/** The pod as the API shows it now. */
export function currentPod({ pod, inits, mains, ephemerals }: PodContainers, startTime: string): Pod {
  const containerStatuses = statusesOf(mains);
  const initContainerStatuses = statusesOf(inits);
  const ephemeralContainerStatuses = statusesOf(ephemerals);
  const ready = containerStatuses.every((status) => status.ready) ? 'True' : 'False';
  return {
    ...pod,
    status: {
      ...pod.status,
      phase: phaseOf(pod, containerStatuses, initContainerStatuses),
      startTime: pod.status.startTime || startTime,
      conditions: pod.status.conditions.map((condition) =>
        condition.type === 'Ready' || condition.type === 'ContainersReady'
          ? { ...condition, status: ready }
          : condition,
      ),
      containerStatuses,
      ...(inits.length === 0 ? {} : { initContainerStatuses }),
      ...(ephemerals.length === 0 ? {} : { ephemeralContainerStatuses }),
    },
  };
}

function statusesOf(containers: readonly WithStatus[]): readonly ContainerStatus[] {
  return containers.map((container) => container.status());
}

function failed({ state }: ContainerStatus): boolean {
  return 'terminated' in state && state.terminated.exitCode !== 0;
}

function phaseOf(
  { spec }: Pod,
  statuses: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): Pod['status']['phase'] {
  if (spec.restartPolicy === 'Never' && inits.some(failed)) return 'Failed';
  if (statuses.some(({ state }) => 'running' in state)) return 'Running';
  if (statuses.length === 0 || statuses.some(({ state }) => 'waiting' in state)) return startedOnce(statuses);
  return statuses.some(failed) ? 'Failed' : 'Succeeded';
}

/** A container that waits between two runs has run: its pod is not pending any more. */
function startedOnce(statuses: readonly ContainerStatus[]): Pod['status']['phase'] {
  return statuses.some(({ lastState }) => 'terminated' in lastState) ? 'Running' : 'Pending';
}
