import type { ContainerStatus, Pod } from '../kube/pod-objects.js';

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

type State = Pick<ContainerStatus, 'state' | 'lastState'>;

function failed({ state }: State): boolean {
  return 'terminated' in state && state.terminated.exitCode !== 0;
}

/** Between two runs it is not new any more. */
function waitsForFirstRun({ state, lastState }: State): boolean {
  return 'waiting' in state && !('terminated' in lastState);
}

/** A kubelet's rules: sidecars keep a pod running, and only the main containers decide how it ends. */
function phaseOf(
  { spec }: Pod,
  statuses: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): Pod['status']['phase'] {
  const isSidecar = inits.map((_, index) => spec.initContainers?.[index]?.restartPolicy === 'Always');
  const sidecars = inits.filter((_, index) => isSidecar[index]);
  const regular = inits.filter((_, index) => !isSidecar[index]);
  if (spec.restartPolicy === 'Never' && regular.some(failed)) return 'Failed';
  if (!regular.every(({ state }) => 'terminated' in state && state.terminated.exitCode === 0))
    return 'Pending';
  if (statuses.length === 0 || [...sidecars, ...statuses].some(waitsForFirstRun)) return 'Pending';
  if ([...sidecars, ...statuses].some(({ state }) => 'running' in state)) return 'Running';
  if (statuses.some(({ state }) => 'waiting' in state)) return 'Running';
  return statuses.some(failed) ? 'Failed' : 'Succeeded';
}
