import type { Labels, MetricFamily, Sample } from '../../observe/exposition.js';
import { type MeasuredContainer, type Measurement, sum, sumKnown } from './node-usage.js';

/** `/metrics/resource`: what metrics-server reads. */
export function resourceMetrics({ timeMs, pods }: Measurement): readonly MetricFamily[] {
  const containers = pods.flatMap((pod) => pod.containers);
  const at = (labels: Labels, value: number | undefined): Sample[] =>
    value === undefined ? [] : [{ labels, value, timeMs }];
  const labelsOf = ({ name, namespace, pod }: MeasuredContainer): Labels => ({
    container: name,
    namespace,
    pod,
  });
  const podLabels = (pod: (typeof pods)[number]): Labels => ({ namespace: pod.namespace, pod: pod.name });
  const cpu = (some: readonly MeasuredContainer[]): number | undefined =>
    sumKnown(some.map(({ cpuSeconds }) => cpuSeconds));
  const memory = (some: readonly MeasuredContainer[]): number =>
    sum(some.map(({ memoryBytes }) => memoryBytes));
  const cpuText = (of: string): string =>
    `[STABLE] Cumulative cpu time consumed by the ${of} in core-seconds`;
  const memoryText = (of: string): string => `[STABLE] Current working set of the ${of} in bytes`;
  return [
    counter(
      'container_cpu_usage_seconds_total',
      cpuText('container'),
      containers.flatMap((one) => at(labelsOf(one), one.cpuSeconds)),
    ),
    gauge(
      'container_memory_working_set_bytes',
      memoryText('container'),
      containers.flatMap((one) => at(labelsOf(one), one.memoryBytes)),
    ),
    gauge(
      'container_start_time_seconds',
      '[STABLE] Start time of the container since unix epoch in seconds',
      containers.map((one) => ({ labels: labelsOf(one), value: one.startedAtMs / 1000 })),
    ),
    counter('node_cpu_usage_seconds_total', cpuText('node'), at({}, cpu(containers))),
    gauge('node_memory_working_set_bytes', memoryText('node'), at({}, memory(containers))),
    counter(
      'pod_cpu_usage_seconds_total',
      cpuText('pod'),
      pods.flatMap((pod) => at(podLabels(pod), cpu(pod.containers))),
    ),
    gauge(
      'pod_memory_working_set_bytes',
      memoryText('pod'),
      pods.flatMap((pod) => at(podLabels(pod), memory(pod.containers))),
    ),
    gauge(
      'resource_scrape_error',
      '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
      [{ value: 0 }],
    ),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}
