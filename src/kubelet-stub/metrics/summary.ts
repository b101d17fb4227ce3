import { rfc3339 } from '../../kube/time.js';
import { type MeasuredContainer, type Measurement, sum, sumKnown } from './node-usage.js';

export interface SummaryOptions {
  readonly nodeName: string;
  /** When the node started, epoch milliseconds. */
  readonly nodeStartMs: number;
  /** Query `only_cpu_and_memory=true`. */
  readonly onlyCpuAndMemory: boolean;
}

/** `/stats/summary` (kubelet's stats/v1alpha1). What cannot be measured is absent, as the API allows. */
export function summaryOf(measurement: Measurement, options: SummaryOptions): object {
  const time = rfc3339(measurement.timeMs);
  const all = measurement.pods.flatMap(({ containers }) => containers);
  const files = options.onlyCpuAndMemory ? {} : { fs: diskOf(all, time) };
  return {
    node: {
      nodeName: options.nodeName,
      startTime: rfc3339(options.nodeStartMs),
      ...cpuAndMemory(all, time),
      ...files,
    },
    pods: measurement.pods.map(({ namespace, name, uid, containers }) => ({
      podRef: { name, namespace, uid },
      startTime: rfc3339(Math.min(measurement.timeMs, ...containers.map(({ startedAtMs }) => startedAtMs))),
      containers: containers.map((container) => containerOf(container, time, options)),
      ...cpuAndMemory(containers, time),
      ...(options.onlyCpuAndMemory
        ? {}
        : {
            'ephemeral-storage': diskOf(containers, time),
            process_stats: { process_count: sum(containers.map(({ processes }) => processes)) },
          }),
    })),
  };
}

function containerOf(container: MeasuredContainer, time: string, options: SummaryOptions): object {
  const { name, startedAtMs, files, log } = container;
  const base = { name, startTime: rfc3339(startedAtMs), ...cpuAndMemory([container], time) };
  if (options.onlyCpuAndMemory) return base;
  const rootfs = { time, usedBytes: files.usedBytes, inodesUsed: files.entries };
  return { ...base, rootfs, logs: { time, usedBytes: log.usedBytes } };
}

function cpuAndMemory(containers: readonly MeasuredContainer[], time: string): object {
  const cpuSeconds = sumKnown(containers.map((container) => container.cpuSeconds));
  const rate = sumKnown(containers.map(({ cpuRate }) => cpuRate));
  const bytes = sum(containers.map(({ memoryBytes }) => memoryBytes));
  return {
    ...(cpuSeconds === undefined
      ? {}
      : {
          cpu: {
            time,
            usageNanoCores: Math.round((rate ?? 0) * 1e9),
            usageCoreNanoSeconds: Math.round(cpuSeconds * 1e9),
          },
        }),
    memory: { time, usageBytes: bytes, workingSetBytes: bytes },
  };
}

function diskOf(containers: readonly MeasuredContainer[], time: string): object {
  return {
    time,
    usedBytes: sum(containers.map(({ files, log }) => files.usedBytes + log.usedBytes)),
    inodesUsed: sum(containers.map(({ files }) => files.entries)),
  };
}
