import type { ContainerUsage, PodUsage, Runtime } from '../../containers/runtime.js';

export interface MeasuredContainer extends ContainerUsage {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** Processor time per second since the last measurement, or since its start. */
  readonly cpuRate: number | undefined;
}

/** Everything that runs on a node, measured at one time. */
export interface Measurement {
  /** Epoch milliseconds. */
  readonly timeMs: number;
  readonly pods: readonly (Omit<PodUsage, 'containers'> & {
    readonly containers: readonly MeasuredContainer[];
  })[];
}

interface CpuSample {
  readonly cpuSeconds: number;
  readonly timeMs: number;
}

/** Rates over less than this are noise, because processor time is counted in hundredths of a second. */
const minRateMs = 1000;

/** Measures a runtime and remembers what it needs for rates. */
export class UsageMeter {
  private readonly runtime: Pick<Runtime, 'usage'>;
  private readonly wallTimeMs: () => number;
  private last = new Map<string, CpuSample>();

  constructor(runtime: Pick<Runtime, 'usage'>, wallTimeMs: () => number) {
    this.runtime = runtime;
    this.wallTimeMs = wallTimeMs;
  }

  async measure(): Promise<Measurement> {
    const pods = await this.runtime.usage();
    const timeMs = this.wallTimeMs();
    const samples = new Map<string, CpuSample>();
    const measured = pods.map((pod) => ({
      ...pod,
      containers: pod.containers.map((container) => ({
        ...container,
        namespace: pod.namespace,
        pod: pod.name,
        podUid: pod.uid,
        cpuRate: this.rate(container, timeMs, samples),
      })),
    }));
    this.last = samples;
    return { timeMs, pods: measured };
  }

  private rate(
    container: ContainerUsage,
    timeMs: number,
    samples: Map<string, CpuSample>,
  ): number | undefined {
    const { id, cpuSeconds, startedAtMs } = container;
    if (cpuSeconds === undefined) return undefined;
    const before = this.last.get(id) ?? { cpuSeconds: 0, timeMs: startedAtMs };
    const elapsedMs = timeMs - before.timeMs;
    const isSoon = elapsedMs >= 0 && elapsedMs < minRateMs;
    samples.set(id, isSoon ? before : { cpuSeconds, timeMs });
    if (elapsedMs <= 0) return 0;
    return Math.max(0, ((cpuSeconds - before.cpuSeconds) * 1000) / elapsedMs);
  }
}

/** The sum of the known values; undefined when all are unknown. */
export function sumKnown(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, one) => total + one, 0);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
