import { cpus, totalmem } from 'node:os';
import type { Labels, MetricFamily, Sample } from '../../observe/exposition.js';
import type { MeasuredContainer, Measurement } from './node-usage.js';

interface Row {
  readonly name: string;
  readonly type: MetricFamily['type'];
  readonly help: string;
  readonly labels?: Labels;
  /** Without the time of the measurement. */
  readonly isTimeless?: boolean;
  readonly value: (container: MeasuredContainer) => number | undefined;
}

const rows: readonly Row[] = [
  {
    name: 'container_cpu_usage_seconds_total',
    type: 'counter',
    help: 'Cumulative cpu time consumed in seconds.',
    labels: { cpu: 'total' },
    value: ({ cpuSeconds }) => cpuSeconds,
  },
  {
    name: 'container_fs_usage_bytes',
    type: 'gauge',
    help: 'Number of bytes that are consumed by the container on this filesystem.',
    labels: { device: 'rootfs' },
    value: ({ files }) => files.usedBytes,
  },
  {
    name: 'container_memory_usage_bytes',
    type: 'gauge',
    help: 'Current memory usage in bytes, including all memory regardless of when it was accessed',
    value: ({ memoryBytes }) => memoryBytes,
  },
  {
    name: 'container_memory_working_set_bytes',
    type: 'gauge',
    help: 'Current working set in bytes.',
    value: ({ memoryBytes }) => memoryBytes,
  },
  {
    name: 'container_processes',
    type: 'gauge',
    help: 'Number of processes running inside the container.',
    value: ({ processes }) => processes,
  },
  {
    name: 'container_creation_time_seconds',
    type: 'gauge',
    help: 'Container creation time since unix epoch in seconds.',
    isTimeless: true,
    value: startSeconds,
  },
  {
    name: 'container_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the container since unix epoch in seconds.',
    isTimeless: true,
    value: startSeconds,
  },
  {
    name: 'container_threads',
    type: 'gauge',
    help: 'Number of threads running inside the container',
    value: ({ threads }) => threads,
  },
];

/** A lab's node has no machine identity. */
const machine: Labels = { boot_id: '', machine_id: '', system_uuid: '' };

function startSeconds({ startedAtMs }: MeasuredContainer): number {
  return Math.floor(startedAtMs / 1000);
}

/** `/metrics/cadvisor`: the containers, and their machine. */
export function cadvisorMetrics({ timeMs, pods }: Measurement): readonly MetricFamily[] {
  const containers = pods.flatMap((pod) => pod.containers);
  const families = rows.map(({ name, type, help, labels = {}, isTimeless = false, value }) => ({
    name,
    type,
    help,
    samples: containers.flatMap((container): Sample[] => {
      const measured = value(container);
      if (measured === undefined) return [];
      const time = isTimeless ? {} : { timeMs };
      return [{ labels: { ...labelsOf(container), ...labels }, value: measured, ...time }];
    }),
  }));
  const lastSeen = containers.map((container) => ({
    labels: labelsOf(container),
    value: Math.floor(timeMs / 1000),
    timeMs,
  }));
  return [
    ...families,
    {
      name: 'container_last_seen',
      type: 'gauge',
      help: 'Last time a container was seen by the exporter',
      samples: lastSeen,
    },
    {
      name: 'container_scrape_error',
      type: 'gauge',
      help: '1 if there was an error while getting container metrics, 0 otherwise',
      samples: [{ value: 0 }],
    },
    {
      name: 'machine_cpu_cores',
      type: 'gauge',
      help: 'Number of logical CPU cores.',
      samples: [{ labels: machine, value: cpus().length, timeMs }],
    },
    {
      name: 'machine_memory_bytes',
      type: 'gauge',
      help: 'Amount of memory installed on the machine.',
      samples: [{ labels: machine, value: totalmem(), timeMs }],
    },
    {
      name: 'machine_scrape_error',
      type: 'gauge',
      help: '1 if there was an error while getting machine metrics, 0 otherwise.',
      samples: [{ value: 0 }],
    },
  ];
}

function labelsOf({ name, pod, namespace, image, id, podUid }: MeasuredContainer): Labels {
  return { container: name, id: `/kubepods/pod${podUid}/${id}`, image, name: id, namespace, pod };
}
