import { applyOperations, isJsonPatch } from '../patch/json-patch.js';
import { PatchMisfit } from '../patch/operations.js';
import type { AdmissionRequest } from '../request/admission.js';
import { badRequest, internalError } from '../request/status.js';
import { type JsonObject, sameJson } from '../resources/json.js';
import { apiVersionOf } from '../resources/resource.js';
import { conform, TypeMismatch } from '../schema/conform.js';
import { isExempt, type Webhook, webhooksOf } from './configurations.js';
import { nothingToChange } from './failures.js';
import { type InvokeContext, invoke } from './invoke.js';
import { isAsked } from './match-conditions.js';

export interface Mutation {
  /** The object after all webhooks; absent where the write has no object. */
  readonly object?: JsonObject;
  readonly warnings: readonly string[];
}

/**
 * Calls the mutating webhooks one after the other; each gets the changes of those before it. A webhook with `IfNeeded`
 * is called once more when a later one has changed the object. Rejects with a StatusError.
 */
export async function mutate(context: InvokeContext, request: AdmissionRequest): Promise<Mutation> {
  const webhooks = isExempt(request.resource) ? [] : webhooksOf(context.store, 'admit');
  if (webhooks.length === 0) return { ...objectOf(request), warnings: [] };
  const round = new Round(context, request);
  for (const webhook of webhooks) await round.ask(webhook);
  const again = new Set(round.outdated);
  for (const webhook of webhooks) if (again.has(webhook.id)) await round.ask(webhook);
  return { ...objectOf(round), warnings: round.warnings };
}

function objectOf({ object }: { readonly object?: JsonObject | undefined }): { object?: JsonObject } {
  return object === undefined ? {} : { object };
}

/** One pass of a write through the webhooks. */
class Round {
  object: JsonObject | undefined;
  readonly warnings: string[] = [];
  /** Webhooks to call again, because of later changes. */
  readonly outdated = new Set<string>();
  private readonly context: InvokeContext;
  private readonly request: AdmissionRequest;
  private readonly asked = new Set<string>();

  constructor(context: InvokeContext, request: AdmissionRequest) {
    this.context = context;
    this.request = request;
    this.object = request.object;
  }

  async ask(webhook: Webhook): Promise<void> {
    const request = { ...this.request, ...objectOf(this) };
    if (!(await isAsked(this.context, webhook, request))) return;
    const answer = await invoke(this.context, webhook, request);
    this.warnings.push(...(answer?.warnings ?? []));
    const { patch = [] } = answer ?? {};
    if (patch.length > 0) this.change(webhook, patch);
    if (webhook.reinvokes) this.asked.add(webhook.id);
  }

  private change({ name }: Webhook, patch: readonly unknown[]): void {
    if (this.object === undefined) throw nothingToChange(name);
    const next = patched(this.object, patch, this.request);
    if (sameJson(next, this.object)) return;
    this.object = next;
    for (const id of this.asked) this.outdated.add(id);
    this.asked.clear();
  }
}

/** A patch that does not fit is the webhook's fault, but the write fails whatever the policy is. */
function patched(object: JsonObject, patch: readonly unknown[], request: AdmissionRequest): JsonObject {
  const { kind, ...groupVersion } = request.kind ?? request.resource;
  if (!isJsonPatch(patch)) throw internalError('Invalid JSON Patch');
  try {
    const { object: known } = conform(kind, applyOperations(structuredClone(object), patch));
    return { ...known, apiVersion: apiVersionOf(groupVersion), kind };
  } catch (caught) {
    if (caught instanceof PatchMisfit) throw internalError(caught.message);
    if (caught instanceof TypeMismatch) throw badRequest(caught.message);
    throw caught;
  }
}
