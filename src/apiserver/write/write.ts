import type { Random } from '../../core/random.js';
import type { WallClock } from '../../core/wall-clock.js';
import { rfc3339 } from '../../kube/time.js';
import type { Authorizer } from '../auth/authorize.js';
import type { Admission } from '../request/admission.js';
import type { User } from '../request/exchange.js';
import type { ApiObject } from '../resources/api-object.js';
import type { JsonObject } from '../resources/json.js';
import type { Resource } from '../resources/resource.js';
import type { ObjectStore } from '../store/object-store.js';
import type { StrategyContext } from '../strategies/strategy.js';
import type { WriteOptions } from './write-options.js';

export interface WriteContext {
  readonly store: ObjectStore;
  readonly now: WallClock;
  readonly random: Random;
  /** Checks whether a writer of roles may give permissions that the writer does not have. */
  readonly authorize: Authorizer;
  readonly admit: Admission;
}

export interface Write {
  readonly context: WriteContext;
  readonly user: User;
  readonly request: string;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly subresource?: string;
  readonly options: WriteOptions;
  /** Adds a `Warning` header to the answer. */
  readonly warn: (text: string) => void;
  /** How `managedFields` records this write. Default `Update`. */
  readonly operation?: 'Apply' | 'Update';
}

export interface NamedWrite extends Write {
  readonly name: string;
}

/** How often a write that lost a race is tried again, as in kube-apiserver. */
export const maxTries = 5;

export interface Written {
  readonly object: ApiObject;
  readonly created: boolean;
}

export function strategyContextOf({ context }: Write): StrategyContext {
  return { store: context.store, timestamp: rfc3339(context.now()) };
}

/** An object after admission; `review` may still refuse it after the checks. */
export interface Admitted {
  readonly object: JsonObject;
  readonly review: (object: JsonObject) => Promise<void>;
}

export async function admitted(
  write: Write,
  operation: 'CREATE' | 'UPDATE',
  { name, object, oldObject }: { name: string; object: JsonObject; oldObject?: JsonObject },
): Promise<Admitted> {
  const { context, resource, namespace, subresource, user, options, request, signal, deadlineMs } = write;
  const answer = await context.admit({
    operation,
    resource,
    name,
    object,
    user,
    request,
    signal,
    deadlineMs,
    dryRun: options.dryRun,
    options: optionsObject(operation, options),
    ...(oldObject === undefined ? {} : { oldObject }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
  });
  for (const text of answer.warnings ?? []) write.warn(text);
  return {
    object: answer.object ?? object,
    review: async (checked) => {
      for (const text of (await answer.review?.(checked)) ?? []) write.warn(text);
    },
  };
}

function optionsObject(operation: 'CREATE' | 'UPDATE', options: WriteOptions): JsonObject {
  const { dryRun, fieldManager, fieldValidation } = options;
  return {
    kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    fieldManager,
    fieldValidation,
  };
}
