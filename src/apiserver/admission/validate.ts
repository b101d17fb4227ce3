import type { AdmissionRequest } from '../request/admission.js';
import { isExempt, type Webhook, webhooksOf } from './configurations.js';
import { type InvokeContext, invoke } from './invoke.js';
import { isAsked } from './match-conditions.js';

/** Calls them all at the same time. Resolves with the warnings; rejects with the first refusal or failure. */
export async function validate(
  context: InvokeContext,
  request: AdmissionRequest,
): Promise<readonly string[]> {
  if (isExempt(request.resource)) return [];
  const concerned: Webhook[] = [];
  for (const webhook of webhooksOf(context.store, 'validating'))
    if (await isAsked(context, webhook, request)) concerned.push(webhook);
  let first: { readonly reason: unknown } | undefined;
  const answers = await Promise.all(
    concerned.map((webhook) =>
      invoke(context, webhook, request).catch((reason: unknown) => {
        first ??= { reason };
        return undefined;
      }),
    ),
  );
  if (first !== undefined) throw first.reason;
  return answers.flatMap((answer) => answer?.warnings ?? []);
}
