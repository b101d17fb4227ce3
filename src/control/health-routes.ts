import { z } from 'zod';
import { parseDuration } from '../core/duration.js';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import { prometheusType } from '../observe/exposition.js';
import type { ControlContext, RoutesOf } from './context.js';
import { LabMetrics } from './lab-metrics.js';
import { route } from './route.js';

const maxWaitMs = 60_000;
const waitText = z
  .string()
  .refine((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= 0 && ms <= maxWaitMs;
  }, 'must be a duration of at most 60s')
  .transform((text) => parseDuration(text) ?? 0);

/** What orchestrators and Prometheus ask. */
export const healthRoutes: RoutesOf = (context) => {
  const metrics = new LabMetrics(context.lab, context.stopped);
  return [
    route({
      method: 'get',
      path: '/healthz',
      summary: 'Whether this program answers.',
      answers: [{ about: '`ok`.' }],
      run: () => text('ok\n'),
    }),
    route({
      method: 'get',
      path: '/readyz',
      summary: 'Whether all parts run. `wait=5s` gives them so long.',
      query: z.strictObject({ wait: waitText.optional() }),
      answers: [{ about: '`ok`; 503 names the parts that do not run.' }],
      run: async ({ query: { wait = 0 }, signal }) => {
        await context.held.during(() => ready(context, wait, signal));
        return text('ok\n');
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      summary: 'Events, parts, connections and faults, for Prometheus.',
      answers: [{ about: 'Prometheus’ text.' }],
      run: () => text(metrics.text(), prometheusType),
    }),
  ];
};

function text(body: string, type = 'text/plain; charset=utf-8'): Response {
  return new Response(body, { headers: { 'content-type': type, 'cache-control': 'no-store' } });
}

/** Rejects with NOT_READY. A part that starts says so in the journal. */
function ready({ lab, stopped }: ControlContext, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (isReady: boolean): void => {
      clearTimeout(timer);
      leave();
      for (const one of [signal, stopped]) one.removeEventListener('abort', giveUp);
      if (isReady) resolve();
      else reject(new TunnelError('NOT_READY', `these parts do not run: ${missing(lab).join(', ')}`));
    };
    const giveUp = (): void => settle(false);
    const timer = setTimeout(giveUp, waitMs);
    const look = (): void => void (missing(lab).length === 0 && settle(true));
    // After the event: the part that tells it may be on its way still.
    const leave = lab.onEvent(() => queueMicrotask(look));
    for (const one of [signal, stopped]) one.addEventListener('abort', giveUp, { once: true });
    if (missing(lab).length === 0) settle(true);
    else if (waitMs === 0) giveUp();
  });
}

function missing(lab: Lab): string[] {
  return lab
    .parts()
    .filter(({ running }) => !running)
    .map(({ name }) => name);
}
