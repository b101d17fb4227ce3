import { rfc3339 } from '../../kube/time.js';
import { readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import { invalidObject, required } from '../request/invalid.js';
import type { NamedRoute } from '../request/route.js';
import { badRequest, conflict, notFound } from '../request/status.js';
import { textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import {
  childOf,
  ensureChild,
  isObject,
  itemsOf,
  type JsonObject,
  metadataOf,
  textOf,
} from '../resources/json.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeBody } from '../write/decode.js';
import { deleteOptionsOf } from '../write/delete-options.js';
import { deleteObject } from '../write/remove.js';
import { updateObject } from '../write/update.js';
import type { NamedWrite } from '../write/write.js';
import { expectedKind, namedWriteOf } from './write-answers.js';

/** POST of `pods/NAME/binding`: gives a pod its node, as schedulers do. It cannot be changed later. */
export async function handleBinding(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const { write, body } = await readCommand(facade, exchange, route);
  const node = textAt(body, 'target.name');
  if (node === '') throw invalidObject({ kind: 'Binding', group: '' }, route.name, [required('target.name')]);
  await updateObject(write, {
    transform: (pod) => {
      refuseBound(pod, route.name, node);
      return bound(pod, node, rfc3339(facade.now()));
    },
  });
  sendJson(exchange.response, success(), 201);
}

function refuseBound(pod: JsonObject, name: string, node: string): void {
  const current = textAt(pod, 'spec.nodeName');
  const bindings = { group: '', plural: 'pods/binding' };
  if (metadataOf(pod)['deletionTimestamp'] !== undefined)
    throw conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (current !== '')
    throw conflict(bindings, name, `pod ${name} is already assigned to node ${JSON.stringify(current)}`);
  if (itemsOf(childOf(pod, 'spec'), 'schedulingGates').length > 0)
    throw conflict(bindings, name, `pod ${name} has non-empty .spec.schedulingGates`);
  if (node.includes('/')) throw badRequest('target.name is not a node name');
}

function bound(pod: JsonObject, node: string, timestamp: string): JsonObject {
  ensureChild(pod, 'spec')['nodeName'] = node;
  const status = ensureChild(pod, 'status');
  const others = itemsOf(status, 'conditions').filter(({ type }) => type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp,
  };
  status['conditions'] = [...others, scheduled];
  return pod;
}

/** POST of `pods/NAME/eviction`: a deletion that a disruption budget could refuse; there are no budgets. */
export async function handleEviction(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const { write, body } = await readCommand(facade, exchange, route);
  const { name } = childOf(body, 'metadata') ?? {};
  if (name && name !== route.name)
    throw badRequest(`name in URL does not match name in Eviction object: ${route.name} != ${textOf(name)}`);
  const given = body['deleteOptions'];
  const options = deleteOptionsOf(isObject(given) ? given : {}, write.options.dryRun);
  const { subresource: _eviction, ...deletion } = write;
  if (facade.store.get(route.resource, write) === undefined) throw notFound(coreResource('pods'), route.name);
  await deleteObject(deletion, options);
  sendJson(exchange.response, success(), 201);
}

async function readCommand(
  facade: Facade,
  exchange: Exchange,
  route: NamedRoute,
): Promise<{ write: NamedWrite; body: JsonObject }> {
  const raw = await decodeBody(exchange.request, await readBody(exchange.request));
  const write = namedWriteOf(facade, exchange, { route, name: route.name, kind: 'CreateOptions' });
  const { fieldValidation } = write.options;
  return { write, body: asKind(raw, expectedKind(route), { fieldValidation, warn: write.warn }) };
}

function success(): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}
