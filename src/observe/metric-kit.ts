import { createRequire } from 'node:module';
import type { CounterConfiguration, Registry } from 'prom-client';
import type { Segment } from '../core/observer.js';
import { renderMetrics, type Sample } from './exposition.js';

type PromClient = typeof import('prom-client');
/** A value as the library tells it; parts of a histogram have names of their own. */
type Shown = Sample & { readonly metricName?: string };

/** Konnectivity's help texts of the metrics that agent and server share. */
export const streamHelp = {
  packets: 'Count of packets processed, by segment and packet type (example: from_client, DIAL_REQ)',
  errors:
    'Count of gRPC stream errors, by segment, grpc Code, packet type. (example: from_agent, Code.Unavailable, DIAL_RSP)',
} as const;

/** A value that goes up and down. */
export interface Level {
  set(value: number): void;
  inc(): void;
  dec(): void;
}

/** Durations, in seconds as Prometheus needs them. */
export interface Timing {
  observe(seconds: number): void;
}

export interface MetricsText {
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/**
 * One part's own registry, as a process can have many parts. A metric is made at its first value or at a scrape, because
 * most of those of a lab with many agents are never looked at. Loads the library: half of the commands need none.
 */
export class MetricKit implements MetricsText {
  private readonly library: PromClient;
  private readonly registry: Registry;
  private readonly prefix: string;
  /** Makes the metrics that were not made yet; those of the kit that this one is beside, too. */
  private readonly declared: (() => unknown)[];

  /** With `beside`, the metrics are served with those of that kit. */
  constructor(prefix: string, beside?: MetricKit) {
    this.library = beside?.library ?? (createRequire(import.meta.url)('prom-client') as PromClient);
    this.registry = beside?.registry ?? new this.library.Registry();
    this.prefix = prefix;
    this.declared = beside?.declared ?? [];
  }

  async text(): Promise<string> {
    for (const make of this.declared) make();
    const families = await this.registry.getMetricsAsJSON();
    return renderMetrics(
      families.map(({ name, type, help, values }) => ({
        name,
        type: String(type),
        help,
        samples: values.map((sample: Shown) => ({
          ...sample,
          suffix: sample.metricName?.slice(name.length),
        })),
      })),
    );
  }

  level(name: string, help: string): Level {
    const gauge = this.later(() => new this.library.Gauge({ ...this.base(name, help) }));
    return {
      set: (value) => gauge().set(value),
      inc: () => gauge().inc(),
      dec: () => gauge().dec(),
    };
  }

  /** A level for each value of one label. The named values are shown as 0 from the start. */
  levels<V extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly V[] = [],
  ): (value: V) => Level {
    const gauge = this.later(() => {
      const made = new this.library.Gauge({ ...this.base(name, help), labelNames: [label] });
      for (const value of values) made.labels(value).set(0);
      return made;
    });
    return remembered((value) => gauge().labels(value));
  }

  timing(name: string, help: string, buckets: readonly number[]): Timing {
    const histogram = this.later(
      () => new this.library.Histogram({ ...this.base(name, help), buckets: [...buckets] }),
    );
    return { observe: (seconds) => histogram().observe(seconds) };
  }

  /** Durations for each value of one label. Default buckets: Prometheus' usual ones. */
  timings(name: string, help: string, label: string, buckets?: readonly number[]): (value: string) => Timing {
    const own = buckets === undefined ? {} : { buckets: [...buckets] };
    const histogram = this.later(
      () => new this.library.Histogram({ ...this.base(name, help), labelNames: [label], ...own }),
    );
    return remembered((value) => histogram().labels(value));
  }

  /** Durations for the values of several labels, in order. */
  timingsBy(
    name: string,
    help: string,
    { labels, buckets }: { readonly labels: readonly string[]; readonly buckets: readonly number[] },
  ): (...values: string[]) => Timing {
    const histogram = this.later(
      () =>
        new this.library.Histogram({
          ...this.base(name, help),
          labelNames: [...labels],
          buckets: [...buckets],
        }),
    );
    return (...values) => histogram().labels(labelled(labels, values));
  }

  /** A counter with labels. The returned function adds one for the values of the labels, in order. */
  counter(name: string, help: string, labelNames: readonly string[] = []): (...values: string[]) => void {
    const counter = this.later(
      () => new this.library.Counter({ ...this.base(name, help), labelNames: [...labelNames] }),
    );
    return (...values) =>
      labelNames.length === 0 ? counter().inc() : counter().inc(labelled(labelNames, values));
  }

  /** A counter with one label of few values, all shown from the start. */
  tally<V extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly V[],
  ): (value: V) => void {
    const of = this.later(() => {
      const counter = new this.library.Counter({ ...this.base(name, help), labelNames: [label] });
      const labels = remembered((value: V) => counter.labels(value));
      for (const value of values) labels(value).inc(0);
      return labels;
    });
    return (value) => of()(value).inc();
  }

  /** For the byte path: adds to plain numbers, copied at each scrape. Labels are `segment` and `packet_type`. */
  packetCounter(name: string, help: string): (segment: Segment, packetType: string) => void {
    const tallies = new Map<Segment, Map<string, number>>();
    const configuration: CounterConfiguration<string> = {
      ...this.base(name, help),
      labelNames: ['segment', 'packet_type'],
      collect() {
        this.reset();
        for (const [segment, byType] of tallies) {
          for (const [packetType, count] of byType) this.inc({ packet_type: packetType, segment }, count);
        }
      },
    };
    this.later(() => new this.library.Counter(configuration));
    return (segment, packetType) => {
      const byType = tallies.get(segment) ?? new Map<string, number>();
      if (byType.size === 0) tallies.set(segment, byType);
      byType.set(packetType, (byType.get(packetType) ?? 0) + 1);
    };
  }

  /** A metric whose values are read at each scrape: rows of label values, in order, and a number. */
  scraped(
    type: 'counter' | 'gauge',
    { name, help, labels = [] }: { name: string; help: string; labels?: readonly string[] },
    read: () => Iterable<readonly [labelValues: readonly string[], value: number]>,
  ): void {
    const Metric = type === 'counter' ? this.library.Counter : this.library.Gauge;
    const configuration = (): CounterConfiguration<string> => ({
      ...this.base(name, help),
      labelNames: [...labels],
      collect() {
        this.reset();
        for (const [values, value] of read()) {
          this.inc(labelled(labels, values), value);
        }
      },
    });
    this.later(() => new Metric(configuration()));
  }

  /** The returned function makes the metric when it is first called. */
  private later<T>(make: () => T): () => T {
    let made: T | undefined;
    const get = (): T => {
      made ??= make();
      return made;
    };
    this.declared.push(get);
    return get;
  }

  private base(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    return { name: `${this.prefix}_${name}`, help, registers: [this.registry] };
  }
}

/** The library looks up labels each time, which costs more than counting. This remembers the few values. */
function remembered<V, T>(make: (value: V) => T): (value: V) => T {
  const made = new Map<V, T>();
  return (value) => {
    const known = made.get(value) ?? make(value);
    made.set(value, known);
    return known;
  };
}

/** Labels in the order of their names, as Go's library shows them. */
function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  const pairs = names.map((name, index): [string, string] => [name, values[index] ?? '']);
  return Object.fromEntries(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
}
