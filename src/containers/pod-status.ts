import type { ContainerState, ContainerStatus, Pod } from '../kube/pod-objects.js';

interface WithStatus {
  status(): ContainerStatus;
}

export interface PodContainers {
  /** As it was given. */
  readonly pod: Pod;
  readonly inits: readonly WithStatus[];
  readonly mains: readonly WithStatus[];
  readonly ephemerals: readonly WithStatus[];
  /** It was told to end, and nothing of it runs any more. */
  readonly hasStopped: boolean;
}

/** The pod as the API shows it now. */
export function currentPod(
  { pod, inits, mains, ephemerals, hasStopped }: PodContainers,
  startTime: string,
): Pod {
  const shown = { mains: byName(statusesOf(mains)), inits: statusesOf(inits) };
  const { mains: containerStatuses, inits: initContainerStatuses } = hasStopped ? withEnds(shown) : shown;
  const ephemeralContainerStatuses = byName(statusesOf(ephemerals));
  const phase = phaseOf(pod, containerStatuses, initContainerStatuses);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const ready = containerStatuses.every((status) => status.ready) ? 'True' : 'False';
  return {
    ...pod,
    status: {
      ...pod.status,
      phase: hasStopped && !isOver ? 'Failed' : phase,
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

/** What the pod says of one of its containers. */
export function givenStatus({ status }: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses, initContainerStatuses = [], ephemeralContainerStatuses = [] } = status;
  const all = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses];
  return all.find(({ name }) => name === container);
}

function statusesOf(containers: readonly WithStatus[]): readonly ContainerStatus[] {
  return containers.map((container) => container.status());
}

/** As a kubelet sorts all but init containers. */
function byName(statuses: readonly ContainerStatus[]): readonly ContainerStatus[] {
  return statuses.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

interface Shown {
  readonly mains: readonly ContainerStatus[];
  readonly inits: readonly ContainerStatus[];
}

/** What has never run counts as failed at the end of a pod, except what its init containers have held up. */
function withEnds({ mains, inits }: Shown): Shown {
  const lastRun = inits.findLastIndex(hasRun);
  const last = inits.at(-1);
  const isInitialized = last === undefined || (hasRun(last) && !failed(last)) || mains.some(hasRun);
  return {
    mains: mains.map((status) => (isInitialized ? withEnd(status) : status)),
    inits: inits.map((status, index) => (index <= Math.max(lastRun, 0) ? withEnd(status) : status)),
  };
}

function hasRun({ state, lastState }: State): boolean {
  return !('waiting' in state) || 'terminated' in lastState;
}

function withEnd(status: ContainerStatus): ContainerStatus {
  const never = '0001-01-01T00:00:00Z';
  const state: ContainerState = {
    terminated: {
      ...{ exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: never, finishedAt: never },
      message: 'The container could not be located when the pod was terminated',
    },
  };
  return 'waiting' in status.state ? { ...status, state } : status;
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
