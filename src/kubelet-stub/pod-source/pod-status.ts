import type { Pod } from '../../core/objects.js';

type Condition = Pod['status']['conditions'][number];

/** The conditions of a pod that runs here, each with the time when it last changed. */
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

/** What a kubelet tells the API of a pod, as a patch of its `status`. */
export function statusPatch(pod: Pod): object {
  const { uid } = pod.metadata;
  const { phase, hostIP, podIP, podIPs, startTime, conditions } = pod.status;
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status;
  return {
    // The API refuses the patch for another pod of the same name.
    metadata: { uid },
    status: {
      ...{
        phase,
        hostIP,
        hostIPs: [{ ip: hostIP }],
        podIP,
        podIPs,
        startTime,
        conditions,
        containerStatuses,
      },
      ...(initContainerStatuses === undefined ? {} : { initContainerStatuses }),
      ...(ephemeralContainerStatuses === undefined ? {} : { ephemeralContainerStatuses }),
    },
  };
}

/** A pod of the API as a runtime takes it: with all fields that a runtime looks at, and nothing running. */
export function toRun(
  pod: Pod,
  place: { readonly hostIP: string; readonly podIP: string; readonly now: string },
): Pod {
  const { hostIP, podIP, now } = place;
  const status: Pod['status'] = {
    ...{ phase: 'Pending', hostIP, podIP, podIPs: [{ ip: podIP }], startTime: now },
    ...{ conditions: [], containerStatuses: [] },
  };
  return { ...pod, apiVersion: 'v1', kind: 'Pod', status };
}

/** A pod that has ended for good is not run again, whoever comes upon it. */
export function hasEnded(pod: Pod): boolean {
  const phase = (pod.status as Pod['status'] | undefined)?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}
