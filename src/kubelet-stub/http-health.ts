import type { ServerResponse } from 'node:http';
import type { MetricFamily } from '../observe/exposition.js';
import { type Answered, sendText } from './http-reply.js';
import { healthChecks } from './http-router.js';
import { plainError } from './http-unrouted.js';

/** The health checks of a kubelet, and their counts for `/metrics/slis`. All pass. */
export class HealthChecks {
  private readonly passed = new Map<string, number>();

  /** Answers `/healthz` and below: `ok`, or with `verbose` one line for each check. `exclude` leaves checks out. */
  answer(check: string | undefined, search: string, response: ServerResponse): Answered {
    const query = new URLSearchParams(search);
    // A single check is not counted and ignores parameters.
    const text = check === undefined ? this.runAll(query) : 'ok';
    const headers = { ...plainError, 'Cache-Control': 'no-cache, no-store, must-revalidate' };
    return sendText(response, { status: 200, text, headers });
  }

  families(): readonly MetricFamily[] {
    const checks = [...this.passed];
    return [
      {
        name: 'kubernetes_healthcheck',
        type: 'gauge',
        help: '[STABLE] This metric records the result of a single healthcheck.',
        samples: checks.map(([name]) => ({ labels: { name, type: 'healthz' }, value: 1 })),
      },
      {
        name: 'kubernetes_healthchecks_total',
        type: 'counter',
        help: '[STABLE] This metric records the results of all healthcheck.',
        samples: checks.map(([name, value]) => {
          return { labels: { name, status: 'success', type: 'healthz' }, value };
        }),
      },
    ];
  }

  /** DELETE of `/metrics/slis`. */
  reset(): void {
    this.passed.clear();
  }

  private runAll(query: URLSearchParams): string {
    const excluded = new Set(query.getAll('exclude').filter((name) => name !== ''));
    const lines = healthChecks.map((name) => {
      if (excluded.delete(name)) return `[+]${name} excluded: ok\n`;
      this.passed.set(name, (this.passed.get(name) ?? 0) + 1);
      return `[+]${name} ok\n`;
    });
    if (!query.has('verbose')) return 'ok';
    const unknown = [...excluded].map((name) => JSON.stringify(name)).join(', ');
    const warning = `warn: some health checks cannot be excluded: no matches for ${unknown}\n`;
    return `${lines.join('')}${unknown === '' ? '' : warning}healthz check passed\n`;
  }
}
