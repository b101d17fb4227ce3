import { recordManager } from '../ownership/record-manager.js';
import { invalidObject } from '../request/invalid.js';
import { alreadyExists, badRequest, forbidden, notFound, StatusError } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import { at, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import { finished, type JsonObject, metadataOf } from '../resources/json.js';
import { strategyOf } from '../strategies/table.js';
import { refuseEscalation } from './escalation.js';
import { metadataErrors, stampNew } from './object-meta.js';
import { admitted, strategyContextOf, type Write, type Written } from './write.js';

/** `requestName` is the name in the path. Rejects with 400, 403, 404 (no namespace, or role), 409 and 422. */
export async function createObject(write: Write, body: JsonObject, requestName = ''): Promise<Written> {
  const { context, resource, options } = write;
  const strategy = strategyOf(resource);
  await yieldToOthers();
  const draft = prepared(write, body);
  const asked = String(metadataOf(draft)['name']);
  refuseDeadNamespace(write, asked);
  await yieldToOthers();
  const { object, review } = await admitted(write, 'CREATE', { name: asked, object: draft });
  // Admission may have changed the name.
  const name = String(metadataOf(object)['name']);
  refuseOtherNamespace(write, metadataOf(object));
  if (write.namespace !== undefined && resource.namespaced) metadataOf(object)['namespace'] = write.namespace;
  strategy.defaults?.(object);
  refuseEscalation(write, { object, requestName });
  refuseInvalid(write, object);
  await review(object);
  const key = { ...(write.namespace === undefined ? {} : { namespace: write.namespace }), name };
  if (context.store.get(resource, key) !== undefined) throw alreadyExists(resource, name);
  await recordManager(object, undefined, managerOf(write));
  await yieldToOthers();
  if (options.dryRun) return { object: finished(object), created: true };
  const stored = await context.store.commit({ kind: 'put', object: finished(object) });
  if (stored === undefined) throw alreadyExists(resource, name);
  return { object: stored, created: true };
}

export function managerOf(write: Write): Parameters<typeof recordManager>[2] {
  const { options, operation = 'Update', subresource } = write;
  return {
    manager: options.fieldManager,
    operation,
    timestamp: strategyContextOf(write).timestamp,
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Makes the body an object that can be written; it is changed in place. */
function prepared(write: Write, object: JsonObject): JsonObject {
  const { resource, namespace, context } = write;
  const strategy = strategyOf(resource);
  const metadata = metadataOf(object);
  if (metadata['resourceVersion'])
    throw badRequest('resourceVersion should not be set on objects to be created');
  refuseOtherNamespace(write, metadata);
  if (namespace !== undefined && resource.namespaced) metadata['namespace'] = namespace;
  if (!resource.namespaced) delete metadata['namespace'];
  const strategyContext = strategyContextOf(write);
  stampNew(object, { random: context.random, timestamp: strategyContext.timestamp });
  if (metadata['name'] === undefined) metadata['name'] = '';
  if (strategy.hasStatus === true && strategy.keepsFirstStatus !== true) delete object['status'];
  if (strategy.countsGenerations === true) metadata['generation'] = 1;
  else delete metadata['generation'];
  strategy.defaults?.(object);
  refuseInvalidMetadata(write, object);
  strategy.prepareCreate?.(object, strategyContext);
  return object;
}

function refuseOtherNamespace({ namespace }: Write, metadata: JsonObject): void {
  const given = metadata['namespace'];
  if (given && given !== (namespace ?? ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** Refuses namespaces that do not exist or are being deleted. */
function refuseDeadNamespace({ context, resource, namespace }: Write, name: string): void {
  if (namespace === undefined || !resource.namespaced) return;
  const namespaces = coreResource('namespaces');
  const found = context.store.get(namespaces, { name: namespace });
  if (found === undefined) throw notFound(namespaces, namespace);
  if (
    textAt(found, 'status.phase') !== 'Terminating' &&
    at(found, 'metadata.deletionTimestamp') === undefined
  )
    return;
  const cause = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(resource, name, cause);
  throw new StatusError(status.code, status.message, {
    reason: 'Forbidden',
    details: {
      ...status.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

function refuseInvalidMetadata({ resource }: Write, object: JsonObject): void {
  const { nameForm } = strategyOf(resource);
  const errors = metadataErrors(object, { namespaced: resource.namespaced, nameForm });
  if (errors.length > 0) throw invalidObject(resource, String(metadataOf(object)['name']), errors);
}

function refuseInvalid(write: Write, object: JsonObject): void {
  refuseInvalidMetadata(write, object);
  const errors = strategyOf(write.resource).validate?.(object, strategyContextOf(write)) ?? [];
  if (errors.length > 0) throw invalidObject(write.resource, String(metadataOf(object)['name']), errors);
}
