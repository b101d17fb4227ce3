import type { ContainerStatus, Pod } from '../../core/objects.js';
import type { MetricFamily } from './prometheus-text.js';

export interface KubeletMetricsOptions {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
}

const desiredText =
  '[ALPHA] The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.';

/** `/metrics`, requests aside: what the kubelet says of its pods and of itself. */
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
    gauge('kubelet_desired_pods', desiredText, pods.length, { static: 'false' }),
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
