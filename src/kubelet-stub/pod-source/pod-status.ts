import type { Container, ContainerStatus, Pod } from '../../kube/pod-objects.js';

type Condition = Pod['status']['conditions'][number];

type Statuses = Pick<
  Pod['status'],
  'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses'
>;

type Wanted = Pick<Condition, 'status' | 'reason' | 'message'>;
const isTrue: Wanted = { status: 'True' };

/** The conditions of a pod that runs here, each with the time of its last change. */
export function conditionsOf(pod: Pod, before: readonly Condition[], now: string): readonly Condition[] {
  const ready = readyOf(pod);
  const wanted: Readonly<Record<string, Wanted>> = {
    // The network of a pod that has ended is taken down.
    PodReadyToStartContainers: hasEnded(pod) ? { status: 'False' } : isTrue,
    Initialized: initializedOf(pod),
    Ready: ready,
    ContainersReady: ready,
    PodScheduled: isTrue,
  };
  return Object.entries(wanted).map(([type, is]) => {
    const old = before.find((condition) => condition.type === type);
    return { type, ...is, lastTransitionTime: old?.status === is.status ? old.lastTransitionTime : now };
  });
}

function readyOf(pod: Pod): Wanted {
  const { phase, containerStatuses, initContainerStatuses = [] } = pod.status;
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const counted = [...initContainerStatuses.filter((status) => isSidecar(pod, status)), ...containerStatuses];
  const unready = counted.filter((status) => !status.ready);
  return unready.length === 0 && containerStatuses.length > 0
    ? isTrue
    : { status: 'False', reason: 'ContainersNotReady', message: withNames('unready', unready) };
}

function initializedOf(pod: Pod): Wanted {
  const { phase, containerStatuses, initContainerStatuses = [] } = pod.status;
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  const incomplete = initContainerStatuses.filter((status) =>
    isSidecar(pod, status)
      ? !status.started
      : !('terminated' in status.state && status.state.terminated.exitCode === 0),
  );
  // Once initialised it stays so, also while a sidecar is restarted.
  const hasBegun = containerStatuses.some(
    ({ state, lastState }) => !('waiting' in state) || 'terminated' in lastState,
  );
  if (incomplete.length === 0 || hasBegun) return isTrue;
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: withNames('incomplete', incomplete),
  };
}

function withNames(what: string, statuses: readonly ContainerStatus[]): string {
  return `containers with ${what} status: [${statuses.map(({ name }) => name).join(' ')}]`;
}

function isSidecar({ spec }: Pod, { name }: ContainerStatus): boolean {
  return spec.initContainers?.some((each) => each.name === name && each.restartPolicy === 'Always') === true;
}

/** What a kubelet reports about a pod, as a patch of its `status`. */
export function statusPatch(pod: Pod): object {
  const { uid } = pod.metadata;
  const { phase, hostIP, podIP, podIPs, startTime, conditions } = pod.status;
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = withShortMessages(pod);
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
      // The API merges conditions: what one does not say any more must be removed.
      conditions: conditions.map((condition) => ({ reason: null, message: null, ...condition })),
      containerStatuses,
      ...(initContainerStatuses?.length ? { initContainerStatuses } : {}),
      ...(ephemeralContainerStatuses?.length ? { ephemeralContainerStatuses } : {}),
    },
  };
}

/** What all containers of a pod together may say of their ends. */
const maxMessageBytes = 12 * 1024;

function withShortMessages({ spec, status }: Pod): Statuses {
  const count = spec.containers.length + (spec.initContainers ?? []).length;
  const limitBytes = Math.floor(maxMessageBytes / count);
  const shorten = <S extends ContainerStatus['lastState']>(state: S): S => {
    if (!('terminated' in state) || state.terminated.message === undefined) return state;
    const message = Buffer.from(state.terminated.message).subarray(0, limitBytes).toString();
    return { ...state, terminated: { ...state.terminated, message } };
  };
  const all = (statuses: readonly ContainerStatus[] = []): readonly ContainerStatus[] =>
    statuses.map((each) => ({ ...each, state: shorten(each.state), lastState: shorten(each.lastState) }));
  return {
    containerStatuses: all(status.containerStatuses),
    initContainerStatuses: all(status.initContainerStatuses),
    ephemeralContainerStatuses: all(status.ephemeralContainerStatuses),
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
  const { containerStatuses = [], startTime = now } = before;
  const status: Pod['status'] = {
    phase: 'Pending',
    hostIP,
    podIP,
    podIPs: [{ ip: podIP }],
    startTime,
    conditions: [],
    ...afterLoss({ ...pod, status: { ...before, containerStatuses } as Pod['status'] }, now),
  };
  return { ...pod, apiVersion: 'v1', kind: 'Pod', status };
}

/** After the loss of a node, as in a reboot, containers run again, or count as ended if they may run only once. */
export function afterLoss(pod: Pod, now: string): Statuses {
  const { containerStatuses, initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status;
  const runsOnce = pod.spec.restartPolicy === 'Never';
  const all = (statuses: readonly ContainerStatus[], once: boolean): readonly ContainerStatus[] =>
    statuses.flatMap((status) => lost(status, once && !isSidecar(pod, status), now));
  return {
    containerStatuses: all(containerStatuses, runsOnce),
    initContainerStatuses: all(initContainerStatuses, runsOnce),
    ephemeralContainerStatuses: all(ephemeralContainerStatuses, true),
  };
}

function lost(status: ContainerStatus, runsOnce: boolean, now: string): readonly ContainerStatus[] {
  const { state, lastState, restartCount } = status;
  if ('waiting' in state) {
    // What waited for its first run starts anew; a pause between two runs is over.
    if (!('terminated' in lastState)) return [];
    return [{ ...status, restartCount: restartCount + 1, state: { running: { startedAt: now } } }];
  }
  if (!('running' in state)) return [status];
  const { startedAt } = state.running;
  const end = { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt, finishedAt: now };
  if (runsOnce) return [{ ...status, ready: false, started: false, state: { terminated: end } }];
  return [{ ...status, restartCount: restartCount + 1, lastState: { terminated: end } }];
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
