import type { Authorizer } from '../auth/authorize.js';
import { CelAuthorizer } from '../cel/authorizer.js';
import type { Cel } from '../cel/library.js';
import { type CelBudget, OutOfBudget } from '../cel/time-limit.js';
import { toCel } from '../cel/values.js';
import type { AdmissionRequest } from '../request/admission.js';
import { type FieldError, invalidObject, invalidValue } from '../request/invalid.js';
import { forbidden } from '../request/status.js';
import { listAt, textAt } from '../resources/api-object.js';
import type { JsonObject } from '../resources/json.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Webhook } from './configurations.js';
import { isConcerned } from './match.js';
import { requestOf } from './review.js';

export interface ConditionContext {
  readonly store: ObjectStore;
  readonly authorize: Authorizer;
  /** Loaded on first use. */
  readonly cel: () => Promise<Cel>;
  /** Shared by all conditions of all webhooks, for one request. */
  readonly budget: CelBudget;
}

/** Whether a webhook must be called for a write. Rejects with 403 and 404 when that cannot be decided. */
export async function isAsked(
  context: ConditionContext,
  webhook: Webhook,
  request: AdmissionRequest,
): Promise<boolean> {
  return isConcerned(webhook, request, context.store) && (await conditionsMatch(context, webhook, request));
}

/** With one false condition the webhook is not called. The failure policy decides for a condition that fails. */
async function conditionsMatch(
  context: ConditionContext,
  webhook: Webhook,
  request: AdmissionRequest,
): Promise<boolean> {
  if (webhook.matchConditions.length === 0) return true;
  const cel = await context.cel();
  const variables = variablesOf(context.authorize, request);
  const errors: string[] = [];
  for (const expression of webhook.matchConditions) {
    const compiled = cel.compile(expression);
    if (compiled.kind === 'problem') {
      errors.push(`compilation error: ${compiled.problem}`);
      continue;
    }
    try {
      if (compiled.run(variables, context.budget) === false) return false;
    } catch (caught) {
      if (caught instanceof OutOfBudget) {
        errors.splice(0, errors.length, caught.message);
        break;
      }
      const cause = caught instanceof Error ? caught.message : String(caught);
      errors.push(`expression '${expression}' resulted in error: ${cause}`);
    }
  }
  if (errors.length === 0) return true;
  if (webhook.ignoresFailure) return false;
  throw forbidden(request.resource, request.name, aggregate(errors));
}

/** Joins several errors, without duplicates. */
function aggregate(errors: readonly string[]): string {
  const [first = '', ...more] = new Set(errors);
  return more.length === 0 ? first : `[${[first, ...more].join(', ')}]`;
}

function variablesOf(authorize: Authorizer, request: AdmissionRequest): Record<string, unknown> {
  const { resource, subresource = '', namespace = '', name, user } = request;
  const { group, plural } = resource;
  const about = { group, resource: plural, subresource, namespace, name };
  return {
    object: toCel(request.object ?? null),
    oldObject: toCel(request.oldObject ?? null),
    request: toCel(requestOf(request)),
    namespaceObject: null,
    authorizer: new CelAuthorizer(authorize, { kind: 'resource', user, ...about }),
  };
}

/** Throws 422 for a webhook configuration with a condition that does not compile. */
export async function checkConditions(
  cel: ConditionContext['cel'],
  { resource, name }: AdmissionRequest,
  configuration: JsonObject,
): Promise<void> {
  const expressions = listAt(configuration, 'webhooks').flatMap((webhook, index) =>
    listAt(webhook, 'matchConditions').map((condition, position) => ({
      field: `webhooks[${index}].matchConditions[${position}].expression`,
      expression: textAt(condition, 'expression').trim(),
    })),
  );
  if (expressions.length === 0) return;
  const library = await cel();
  const errors = expressions.flatMap(({ field, expression }): FieldError[] => {
    const compiled = library.compile(expression);
    return compiled.kind === 'problem' ? [invalidValue(field, expression, compiled.problem)] : [];
  });
  if (errors.length > 0) throw invalidObject(resource, name, errors);
}
