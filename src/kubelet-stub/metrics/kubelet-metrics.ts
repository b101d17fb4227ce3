import type { ContainerStatus, Pod } from '../../kube/pod-objects.js';
import type { MetricFamily } from '../../observe/exposition.js';
import { sum } from './node-usage.js';

export interface KubeletMetricsOptions {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
}

const desiredText =
  '[ALPHA] The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.';
const activeText =
  '[ALPHA] The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.';
const mirrorText =
  '[ALPHA] The number of mirror pods the kubelet will try to create (one per admitted static pod)';
const ephemeralText = '[ALPHA] Current number of ephemeral containers in pods managed by this kubelet.';

/** `/metrics` without the request counters: the kubelet's pods and its own process. */
export function kubeletMetrics({
  nodeName,
  pods,
  startedAtMs,
}: KubeletMetricsOptions): readonly MetricFamily[] {
  const states = pods.flatMap(({ status }) => allStatuses(status)).map(stateOf);
  const count = (wanted: string): number => states.filter((state) => state === wanted).length;
  const { user, system } = process.cpuUsage();
  return [
    gauge('kubelet_node_name', "[ALPHA] The node's name. The count is always 1.", 1, { node: nodeName }),
    gauge(
      'kubelet_running_pods',
      '[ALPHA] Number of pods that have a running pod sandbox',
      runningPods(pods),
    ),
    {
      ...gauge('kubelet_running_containers', '[ALPHA] Number of containers currently running', 0),
      samples: ['created', 'exited', 'running'].map((state) => {
        return { labels: { container_state: state }, value: count(state) };
      }),
    },
    byOrigin('kubelet_desired_pods', desiredText, pods.length),
    byOrigin('kubelet_active_pods', activeText, pods.filter(isActive).length),
    gauge('kubelet_mirror_pods', mirrorText, 0),
    gauge('kubelet_managed_ephemeral_containers', ephemeralText, sum(pods.map(ephemerals))),
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      startedAtMs / 1000,
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
    {
      ...gauge(
        'process_cpu_seconds_total',
        'Total user and system CPU time spent in seconds.',
        (user + system) / 1e6,
      ),
      type: 'counter',
    },
  ];
}

/** `/metrics/probes`: no container is probed here, so only the metrics of the process remain. */
export function probeMetrics(startedAtMs: number): readonly MetricFamily[] {
  const help = '[ALPHA] Start time of the process since unix epoch in seconds.';
  return [gauge('process_start_time_seconds', help, startedAtMs / 1000)];
}

/** All pods come from the API; there are no static pods. */
function byOrigin(name: string, help: string, value: number): MetricFamily {
  const samples = [
    { labels: { static: '' }, value },
    { labels: { static: 'true' }, value: 0 },
  ];
  return { name, type: 'gauge', help, samples };
}

function isActive({ status }: Pod): boolean {
  return status.phase !== 'Succeeded' && status.phase !== 'Failed';
}

function ephemerals({ spec }: Pod): number {
  return spec.ephemeralContainers?.length ?? 0;
}

function gauge(name: string, help: string, value: number, labels = {}): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ labels, value }] };
}

function allStatuses(status: Pod['status']): readonly ContainerStatus[] {
  const { containerStatuses, initContainerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
}

function stateOf({ state }: ContainerStatus): string {
  if ('running' in state) return 'running';
  return 'terminated' in state ? 'exited' : 'created';
}

function runningPods(pods: readonly Pod[]): number {
  return pods.filter(({ status }) => allStatuses(status).some((one) => stateOf(one) === 'running')).length;
}
