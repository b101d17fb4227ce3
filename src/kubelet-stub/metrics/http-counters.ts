import type { Clock } from '../../core/clock.js';
import type { Labels, MetricFamily, Sample } from '../../observe/exposition.js';

interface Counted {
  readonly labels: Labels;
  requests: number;
  inFlight: number;
  sumSeconds: number;
  readonly buckets: number[];
}

/** Upper bounds in seconds; Prometheus' own for latencies. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const paths = new Set([
  ...['attach', 'checkpoint', 'configz', 'containerLogs', 'debug', 'exec', 'healthz', 'logs', 'metrics'],
  ...['metrics/cadvisor', 'metrics/probes', 'metrics/resource', 'pods', 'portForward', 'run'],
  ...['runningpods', 'stats'],
]);

/** The kubelet has no label for PATCH. */
const methods = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']);
/** Port-forwards are missing as in the kubelet, which looks for `portforward`; its path is `portForward`. */
const longRunning = new Set(['exec', 'attach', 'debug']);

/** Counts requests as the kubelet does: by method, first part of the path, and whether they are long-running. */
export class HttpCounters {
  private readonly clock: Clock;
  private readonly counted = new Map<string, Counted>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Counts one request. Call the result once, when the request is over. */
  begin(method: string, pathname: string): () => void {
    const entry = this.entry(method, pathname);
    const startedAt = this.clock.now();
    entry.requests++;
    entry.inFlight++;
    return () => {
      const seconds = (this.clock.now() - startedAt) / 1000;
      entry.inFlight--;
      entry.sumSeconds += seconds;
      bounds.forEach((bound, index) => {
        if (seconds <= bound) entry.buckets[index] = (entry.buckets[index] ?? 0) + 1;
      });
    };
  }

  families(): readonly MetricFamily[] {
    const all = [...this.counted.values()];
    return [
      {
        name: 'kubelet_http_requests_total',
        type: 'counter',
        help: '[ALPHA] Number of the http requests received since the server started',
        samples: all.map(({ labels, requests }) => ({ labels, value: requests })),
      },
      {
        name: 'kubelet_http_inflight_requests',
        type: 'gauge',
        help: '[ALPHA] Number of the inflight http requests',
        samples: all.map(({ labels, inFlight }) => ({ labels, value: inFlight })),
      },
      {
        name: 'kubelet_http_requests_duration_seconds',
        type: 'histogram',
        help: '[ALPHA] Duration in seconds to serve http requests',
        samples: all.flatMap(histogram),
      },
    ];
  }

  private entry(method: string, pathname: string): Counted {
    const path = pathLabel(pathname);
    const labels = {
      long_running: String(longRunning.has(path)),
      method: methods.has(method) ? method : 'other',
      path,
      server_type: 'readwrite',
    };
    const key = Object.values(labels).join('|');
    const found = this.counted.get(key);
    if (found !== undefined) return found;
    const made = { labels, requests: 0, inFlight: 0, sumSeconds: 0, buckets: bounds.map(() => 0) };
    this.counted.set(key, made);
    return made;
  }
}

/** The number of label values must not grow with requests for unknown paths. */
function pathLabel(pathname: string): string {
  const [, first = '', second] = pathname.split('/');
  const root = first === 'metrics' && second !== undefined ? `metrics/${second}` : first;
  return paths.has(root) ? root : 'other';
}

function histogram({ labels, requests, inFlight, sumSeconds, buckets }: Counted): Sample[] {
  const finished = requests - inFlight;
  return [
    ...bounds.map((bound, index): Sample => {
      return { suffix: '_bucket', labels: { ...labels, le: bound }, value: buckets[index] ?? 0 };
    }),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: finished },
    { suffix: '_sum', labels, value: sumSeconds },
    { suffix: '_count', labels, value: finished },
  ];
}
