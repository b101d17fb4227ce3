import { setMaxListeners } from 'node:events';
import { type Cel, loadCel } from '../cel/library.js';
import { createCelBudget } from '../cel/time-limit.js';
import type { Admission, AdmissionRequest } from '../request/admission.js';
import { isExempt } from './configurations.js';
import { refuseOver } from './failures.js';
import type { InvokeContext } from './invoke.js';
import { checkConditions } from './match-conditions.js';
import { mutate } from './mutate.js';
import { validate } from './validate.js';
import { WebhookConnections } from './webhook-connections.js';

export interface WebhookAdmission {
  readonly admit: Admission;
  /** Connections through the tunnel that wait for their next call. */
  kept(): number;
  close(): void;
}

/** Webhooks in the store: `next`, then the mutating ones on arrival, then the validating ones after all checks. */
export function createWebhookAdmission(
  context: Omit<InvokeContext, 'connections' | 'cel' | 'budget'>,
  next: Admission,
): WebhookAdmission {
  const connections = new WebhookConnections(context.clock);
  let loaded: Promise<Cel> | undefined;
  const cel = (): Promise<Cel> => (loaded ??= loadCel());
  const admit: Admission = async (request) => {
    // Many webhooks at once listen to it.
    setMaxListeners(0, request.signal);
    const all: InvokeContext = { ...context, connections, cel, budget: createCelBudget() };
    const before = await next(request);
    const given: AdmissionRequest =
      before.object === undefined ? request : { ...request, object: before.object };
    const { object, warnings } = await mutate(all, given);
    return {
      ...(object === undefined ? {} : { object }),
      warnings: [...(before.warnings ?? []), ...warnings],
      review: async (checked) => {
        if (isExempt(request.resource) && checked !== undefined) await checkConditions(cel, request, checked);
        const warnings = [
          ...((await before.review?.(checked)) ?? []),
          ...(await validate(all, checked === undefined ? request : { ...request, object: checked })),
        ];
        refuseOver(request, context.clock);
        return warnings;
      },
    };
  };
  return { admit, kept: () => connections.kept, close: () => connections.destroy() };
}
