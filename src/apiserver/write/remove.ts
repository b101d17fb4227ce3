import { rfc3339 } from '../../kube/time.js';
import { conflict, notFound } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import { draftOf, finished, type JsonObject, metadataOf } from '../resources/json.js';
import { strategyOf } from '../strategies/table.js';
import type { DeleteOptions } from './delete-options.js';
import { finalizersOf } from './object-meta.js';
import { maxTries, type NamedWrite } from './write.js';

export interface Removed {
  readonly object: ApiObject;
  /** False: it stays for its grace period or its finalizers. */
  readonly gone: boolean;
}

/** Deletes an object, or marks it as deleted. Rejects with 403, 404 and 409. */
export async function deleteObject(write: NamedWrite, options: DeleteOptions): Promise<Removed> {
  const { context, resource, name, user, namespace, request, signal, deadlineMs } = write;
  const current = context.store.get(resource, write);
  if (current === undefined) throw notFound(resource, name);
  refuseOther(write, current, options);
  const answer = await context.admit({
    operation: 'DELETE',
    resource,
    name,
    user,
    request,
    signal,
    deadlineMs,
    oldObject: draftOf(current),
    dryRun: options.dryRun,
    options: optionsObject(options),
    ...(namespace === undefined ? {} : { namespace }),
  });
  const reviewed = (await answer.review?.(undefined)) ?? [];
  for (const text of [...(answer.warnings ?? []), ...reviewed]) write.warn(text);
  for (let tries = 1; tries <= maxTries; tries++) {
    const latest = context.store.get(resource, write);
    if (latest === undefined) throw notFound(resource, name);
    refuseOther(write, latest, options);
    const removed = await remove(write, latest, options);
    if (removed !== 'raced') return removed;
  }
  throw conflict(resource, name);
}

function optionsObject({
  dryRun,
  gracePeriodSeconds,
  propagationPolicy,
  uid,
  resourceVersion,
}: DeleteOptions): JsonObject {
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return {
    kind: 'DeleteOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    propagationPolicy,
  };
}

function refuseOther({ resource, name }: NamedWrite, current: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = current.metadata;
  if (options.uid !== undefined && options.uid !== uid)
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`,
    );
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
    throw conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion ?? ''}`,
    );
}

async function remove(
  write: NamedWrite,
  current: ApiObject,
  options: DeleteOptions,
): Promise<Removed | 'raced'> {
  const { context, resource } = write;
  const strategy = strategyOf(resource);
  const draft = draftOf(current);
  addPropagationFinalizer(draft, options);
  const graceSeconds = strategy.graceSeconds?.(draft, options.gracePeriodSeconds) ?? 0;
  const isHeld = strategy.isHeld?.(draft) ?? false;
  if (graceSeconds === 0 && !isHeld && finalizersOf(draft).length === 0) {
    const removed = options.dryRun
      ? current
      : await context.store.commit({ kind: 'remove', object: current });
    return removed === undefined ? 'raced' : { object: current, gone: true };
  }
  const marked = await mark(write, { draft, current, graceSeconds, dryRun: options.dryRun });
  return marked === undefined ? 'raced' : { object: marked, gone: false };
}

/** The garbage collector finishes foreground and orphan deletion. */
function addPropagationFinalizer(draft: JsonObject, { propagationPolicy }: DeleteOptions): void {
  if (propagationPolicy === 'Background') return;
  const finalizer = propagationPolicy === 'Foreground' ? 'foregroundDeletion' : 'orphan';
  const finalizers = finalizersOf(draft);
  if (!finalizers.includes(finalizer)) metadataOf(draft)['finalizers'] = [...finalizers, finalizer];
}

interface Mark {
  readonly draft: JsonObject;
  readonly current: ApiObject;
  readonly graceSeconds: number;
  readonly dryRun: boolean;
}

/** A second deletion may shorten the grace period, but not lengthen it. Undefined: another write came first. */
async function mark(
  { context, resource }: NamedWrite,
  { draft, current, graceSeconds, dryRun }: Mark,
): Promise<ApiObject | undefined> {
  const metadata = metadataOf(draft);
  const before = metadata['deletionGracePeriodSeconds'];
  const isRepeat = metadata['deletionTimestamp'] !== undefined;
  if (isRepeat && graceSeconds >= Number(before ?? 0)) return current;
  const nowMs = context.now();
  metadata['deletionTimestamp'] = rfc3339(nowMs + graceSeconds * 1000);
  metadata['deletionGracePeriodSeconds'] = graceSeconds;
  const strategy = strategyOf(resource);
  if (!isRepeat && strategy.countsGenerations === true)
    metadata['generation'] = Number(metadata['generation'] ?? 0) + 1;
  strategy.marked?.(draft);
  if (dryRun) return finished(draft);
  return context.store.commit({ kind: 'put', object: finished(draft), over: current });
}
