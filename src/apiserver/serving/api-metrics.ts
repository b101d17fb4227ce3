import { MetricKit, type MetricsText, type Timing } from '../../observe/metric-kit.js';
import type { CallReport, WebhookObserver } from '../admission/webhook-observer.js';

export interface RequestLabels {
  /** `GET`, `LIST`, `WATCH`, `POST`, `PUT`, `PATCH`, `APPLY`, `DELETE`, `DELETECOLLECTION`, `CONNECT`. */
  readonly verb: string;
  readonly dryRun: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** `resource`, `namespace`, `cluster`; empty when the request is not for a resource. */
  readonly scope: string;
  readonly isMutating: boolean;
  /** Watches and streams do not count as in flight. */
  readonly isLong: boolean;
}

/** kube-apiserver's metrics, as far as we can measure them. */
export interface ApiMetrics extends MetricsText {
  /** Counts a request as in flight. Call the returned function with the HTTP status at its end. */
  requestStarted(labels: RequestLabels): (code: number) => void;
  readonly webhookCalled: WebhookObserver;
}

/** Counts from the start. The metrics library is loaded when the metrics are read, or when a webhook is called. */
export function createApiMetrics(): ApiMetrics {
  const requests = new Tally();
  const inFlight = { mutating: 0, readOnly: 0 };
  let made: Shown | undefined;
  const shown = (): Shown => (made ??= show(requests, inFlight));
  return {
    requestStarted(labels) {
      const kind = labels.isMutating ? 'mutating' : 'readOnly';
      if (!labels.isLong) inFlight[kind]++;
      return (code) => {
        if (!labels.isLong) inFlight[kind]--;
        const { verb, dryRun, group, version, resource, subresource, scope } = labels;
        const values = [verb, dryRun, group, version, resource, subresource, scope, 'apiserver'];
        requests.add([...values, String(code)]);
      };
    },
    webhookCalled: (report) => shown().webhookCalled(report),
    text: () => shown().kit.text(),
  };
}

interface Shown {
  readonly kit: MetricKit;
  readonly webhookCalled: WebhookObserver;
}

const requestLabelNames = [
  ...['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
];

function show(requests: Tally, inFlight: Readonly<Record<'mutating' | 'readOnly', number>>): Shown {
  const kit = new MetricKit('apiserver');
  const help =
    'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.';
  kit.scraped('counter', { name: 'request_total', help, labels: requestLabelNames }, () => requests.rows());
  kit.scraped(
    'gauge',
    {
      name: 'current_inflight_requests',
      help: 'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
      labels: ['request_kind'],
    },
    () => Object.entries(inFlight).map(([kind, count]) => [[kind], count] as const),
  );
  return { kit, webhookCalled: webhookMetrics(kit) };
}

/** kube-apiserver's buckets, in seconds. */
const webhookBuckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];

function webhookMetrics(kit: MetricKit): WebhookObserver {
  const metric = 'admission_webhook_';
  const timing: (...values: string[]) => Timing = kit.timingsBy(
    `${metric}admission_duration_seconds`,
    'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    { labels: ['name', 'type', 'operation', 'rejected'], buckets: webhookBuckets },
  );
  const requests = kit.counter(
    `${metric}request_total`,
    'Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation.',
    ['name', 'type', 'operation', 'code', 'rejected'],
  );
  const rejections = kit.counter(
    `${metric}rejection_count`,
    'Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation.',
    ['name', 'type', 'operation', 'error_type', 'rejection_code'],
  );
  const failOpen = kit.counter(
    `${metric}fail_open_count`,
    'Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).',
    ['name', 'type'],
  );
  return ({ webhook, request, durationMs, code, outcome }: CallReport) => {
    const { name, type } = webhook;
    const { operation } = request;
    const shownCode = String(Math.min(code, 600));
    const isRejected = outcome === 'denied' || outcome === 'failed';
    timing(name, type, operation, String(isRejected)).observe(durationMs / 1000);
    requests(name, type, operation, shownCode, String(isRejected));
    if (outcome === 'failed-open') failOpen(name, type);
    if (isRejected)
      rejections(
        name,
        type,
        operation,
        outcome === 'denied' ? 'no_error' : 'calling_webhook_error',
        shownCode,
      );
  };
}

/** Counts by label values, without the library. */
class Tally {
  private readonly counts = new Map<string, { readonly values: readonly string[]; count: number }>();

  add(values: readonly string[]): void {
    const key = values.join('\u0000');
    const found = this.counts.get(key);
    if (found === undefined) this.counts.set(key, { values, count: 1 });
    else found.count++;
  }

  rows(): Iterable<readonly [readonly string[], number]> {
    return [...this.counts.values()].map(({ values, count }) => [values, count] as const);
  }
}
