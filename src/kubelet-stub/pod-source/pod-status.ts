import type { Container, ContainerStatus, Pod } from '../../kube/pod-objects.js';

type Condition = Pod['status']['conditions'][number];

/** The conditions of a pod that runs here, each with the time of its last change. */
export function conditionsOf(pod: Pod, before: readonly Condition[], now: string): readonly Condition[] {
  const { containerStatuses, initContainerStatuses = [] } = pod.status;
  const initialised = initContainerStatuses.every(
    ({ state }) => 'terminated' in state && state.terminated.exitCode === 0,
  );
  const ready =
    initialised && containerStatuses.length > 0 && containerStatuses.every((status) => status.ready);
  const wanted: Readonly<Record<string, boolean>> = {
    PodReadyToStartContainers: true,
    Initialized: initialised,
    Ready: ready,
    ContainersReady: ready,
    PodScheduled: true,
  };
  return Object.entries(wanted).map(([type, is]) => {
    const status = is ? 'True' : 'False';
    const old = before.find((condition) => condition.type === type);
    return { type, status, lastTransitionTime: old?.status === status ? old.lastTransitionTime : now };
  });
}

/** What a kubelet reports about a pod, as a patch of its `status`. */
export function statusPatch(pod: Pod): object {
  const { uid } = pod.metadata;
  const { phase, hostIP, podIP, podIPs, startTime, conditions } = pod.status;
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status;
  return {
    // The API refuses the patch for another pod of the same name.
    metadata: { uid },
    status: {
      phase,
      hostIP,
      hostIPs: [{ ip: hostIP }],
      podIP,
      podIPs,
      startTime,
      conditions,
      containerStatuses,
      ...(initContainerStatuses === undefined ? {} : { initContainerStatuses }),
      ...(ephemeralContainerStatuses === undefined ? {} : { ephemeralContainerStatuses }),
    },
  };
}

export interface PodPlace {
  readonly hostIP: string;
  readonly podIP: string;
  readonly now: string;
}

/** A pod of the API as a runtime needs it: all fields that a runtime reads, and what it ran before. */
export function toRun(pod: Pod, { hostIP, podIP, now }: PodPlace): Pod {
  const before = (pod.status as Partial<Pod['status']> | undefined) ?? {};
  const { containerStatuses = [], ephemeralContainerStatuses = [], startTime = now } = before;
  const status: Pod['status'] = {
    phase: 'Pending',
    hostIP,
    podIP,
    podIPs: [{ ip: podIP }],
    startTime,
    conditions: [],
    containerStatuses: afterLoss(containerStatuses, pod.spec.restartPolicy, now),
    ephemeralContainerStatuses: afterLoss(ephemeralContainerStatuses, 'Never', now),
  };
  return { ...pod, apiVersion: 'v1', kind: 'Pod', status };
}

/** After the loss of a node, as in a reboot, containers run again, or count as ended if they may run only once. */
export function afterLoss(
  statuses: readonly ContainerStatus[],
  restartPolicy: string | undefined,
  now: string,
): readonly ContainerStatus[] {
  return statuses.flatMap((status) => {
    const { state } = status;
    // What was still waiting starts again.
    if ('waiting' in state) return [];
    if (!('running' in state)) return [status];
    const { startedAt } = state.running;
    const lost = { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt, finishedAt: now };
    if (restartPolicy === 'Never')
      return [{ ...status, ready: false, started: false, state: { terminated: lost } }];
    return [{ ...status, restartCount: status.restartCount + 1, lastState: { terminated: lost } }];
  });
}

/** Whether none of its containers was reported before. */
export function isNew({ status }: Pod): boolean {
  return ((status as Partial<Pod['status']> | undefined)?.containerStatuses ?? []).length === 0;
}

/** The status of a pod whose first containers are about to start. */
export function creating(pod: Pod, place: PodPlace): Pod {
  const { initContainers = [], containers } = pod.spec;
  const waiting = (reason: string) => (container: Container) => ({
    name: container.name,
    image: container.image,
    imageID: '',
    containerID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason } },
    lastState: {},
  });
  const inits = initContainers.map(waiting('PodInitializing'));
  const reason = inits.length > 0 ? 'PodInitializing' : 'ContainerCreating';
  const made = toRun(pod, place);
  const initContainerStatuses = inits.length === 0 ? {} : { initContainerStatuses: inits };
  const containerStatuses = containers.map(waiting(reason));
  return { ...made, status: { ...made.status, containerStatuses, ...initContainerStatuses } };
}

/** A pod that has ended for good is not run again. */
export function hasEnded(pod: Pod): boolean {
  const phase = (pod.status as Pod['status'] | undefined)?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}
