import type { AdmissionRequest } from '../write/admission.js';
import { isExempt, webhooksOf } from './configurations.js';
import { type InvokeGround, invoke } from './invoke.js';
import { isConcerned } from './match.js';

/**
 * Asks all validating webhooks at the same time and waits for every one. Resolves with their warnings; rejects with
 * the StatusError of the first that refused or failed.
 */
export async function validate(ground: InvokeGround, request: AdmissionRequest): Promise<readonly string[]> {
  if (isExempt(request.resource)) return [];
  const concerned = webhooksOf(ground.store, 'validating').filter((webhook) =>
    isConcerned(webhook, request, ground.store),
  );
  let first: { readonly reason: unknown } | undefined;
  const answers = await Promise.all(
    concerned.map((webhook) =>
      invoke(ground, webhook, request).catch((reason: unknown) => {
        first ??= { reason };
        return undefined;
      }),
    ),
  );
  if (first !== undefined) throw first.reason;
  return answers.flatMap((answer) => answer?.warnings ?? []);
}
