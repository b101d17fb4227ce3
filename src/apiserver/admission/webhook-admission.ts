import { setMaxListeners } from 'node:events';
import { type Cel, loadCel } from '../cel/library.js';
import { createCelBudget } from '../cel/time-limit.js';
import type { Admission, AdmissionRequest } from '../request/admission.js';
import { isExempt } from './configurations.js';
import type { InvokeContext } from './invoke.js';
import { checkConditions } from './match-conditions.js';
import { mutate } from './mutate.js';
import { validate } from './validate.js';
import { WebhookConnections } from './webhook-connections.js';

export interface WebhookAdmission {
  readonly admit: Admission;
  close(): void;
}

/** Webhooks in the store: `next`, then the mutating ones on arrival, then the validating ones after all checks. */
export function createWebhookAdmission(
  context: Omit<InvokeContext, 'signal' | 'connections' | 'cel' | 'budget'>,
  next: Admission,
): WebhookAdmission {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const connections = new WebhookConnections(context.clock);
  let loaded: Promise<Cel> | undefined;
  const cel = (): Promise<Cel> => (loaded ??= loadCel());
  const admit: Admission = async (request) => {
    const { signal } = closing;
    const all: InvokeContext = { ...context, connections, cel, signal, budget: createCelBudget() };
    const before = await next(request);
    const given: AdmissionRequest =
      before.object === undefined ? request : { ...request, object: before.object };
    const { object, warnings } = await mutate(all, given);
    return {
      ...(object === undefined ? {} : { object }),
      warnings: [...(before.warnings ?? []), ...warnings],
      review: async (checked) => {
        if (isExempt(request.resource) && checked !== undefined) await checkConditions(cel, request, checked);
        return [
          ...((await before.review?.(checked)) ?? []),
          ...(await validate(all, checked === undefined ? request : { ...request, object: checked })),
        ];
      },
    };
  };
  const close = (): void => {
    closing.abort();
    connections.destroy();
  };
  return { admit, close };
}
