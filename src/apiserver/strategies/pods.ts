import { type FieldError, forbiddenField } from '../request/invalid.js';
import { forbidden } from '../request/status.js';
import { textAt } from '../resources/api-object.js';
import { coreResource, findResource } from '../resources/catalogue.js';
import {
  childOf,
  ensureChild,
  itemsOf,
  type JsonObject,
  metadataOf,
  sameJson,
  setDefault,
  textOf,
} from '../resources/json.js';
import { isMirrorPod } from '../resources/pod-references.js';
import { ephemeralErrors, keepAllButEphemeral } from './ephemeral-containers.js';
import { defaultPodSpec, podSpecErrors } from './pod-template.js';
import type { Strategy, StrategyContext } from './strategy.js';

export const podStrategy: Strategy = {
  hasStatus: true,
  returnsDeleted: true,
  defaults: defaultPod,
  prepareCreate,
  validate: (pod) => podSpecErrors(childOf(pod, 'spec') ?? {}, 'spec'),
  validateUpdate: (next, old, subresource) => [
    ...gateErrors(next, old),
    ...updateErrors(next, old, subresource),
    ...ephemeralErrors(next, old),
  ],
  parts: { ephemeralcontainers: keepAllButEphemeral },
  prepareUpdate: adoptMissing,
  graceSeconds: graceOfPod,
};

function defaultPod(pod: JsonObject): void {
  const spec = ensureChild(pod, 'spec');
  defaultPodSpec(spec);
  setDefault(spec, 'enableServiceLinks', true);
  for (const list of ['initContainers', 'containers'])
    for (const container of itemsOf(spec, list)) requestLimits(container);
}

/** A container with limits and without requests requests its limits. */
function requestLimits(container: JsonObject): void {
  const resources = childOf(container, 'resources');
  const limits = resources === undefined ? undefined : childOf(resources, 'limits');
  if (resources === undefined || limits === undefined) return;
  const requests = ensureChild(resources, 'requests');
  for (const [name, amount] of Object.entries(limits)) setDefault(requests, name, amount);
}

const notReady = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Adds what the admission plugins of every cluster add, and the first status. */
function prepareCreate(pod: JsonObject, context: StrategyContext): void {
  const spec = ensureChild(pod, 'spec');
  // A mirror pod only shows what a kubelet runs by itself; it has no account.
  if (!isMirrorPod(pod)) giveAccount(pod, spec, context);
  setDefault(spec, 'priority', 0);
  setDefault(spec, 'preemptionPolicy', 'PreemptLowerPriority');
  const tolerations = itemsOf(spec, 'tolerations');
  const added = notReady
    .filter((key) => !tolerations.some((each) => each['key'] === key && each['effect'] !== 'NoSchedule'))
    .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
  if (added.length > 0) spec['tolerations'] = [...tolerations, ...added];
  const conditions = itemsOf(spec, 'schedulingGates').length === 0 ? {} : { conditions: [gated(context)] };
  pod['status'] = { phase: 'Pending', ...conditions, qosClass: qosClassOf(spec) };
}

function gated({ timestamp }: StrategyContext): JsonObject {
  return {
    type: 'PodScheduled',
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: timestamp,
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
}

function giveAccount(pod: JsonObject, spec: JsonObject, context: StrategyContext): void {
  setDefault(spec, 'serviceAccountName', 'default');
  spec['serviceAccount'] = spec['serviceAccountName'];
  refuseUnknownAccount(pod, context);
}

function refuseUnknownAccount(pod: JsonObject, { store }: StrategyContext): void {
  const accounts = findResource('', 'v1', 'serviceaccounts');
  const name = textAt(pod, 'spec.serviceAccountName');
  const { namespace } = metadataOf(pod);
  if (accounts === undefined || store.get(accounts, { namespace: String(namespace), name }) !== undefined)
    return;
  const place = `${String(namespace)}/${name}`;
  const cause = `error looking up service account ${place}: serviceaccount ${JSON.stringify(name)} not found`;
  throw forbidden(coreResource('pods'), String(metadataOf(pod)['name']), cause);
}

/** Guaranteed: all requests equal their limits; BestEffort: there are no requests and no limits. */
export function qosClassOf(spec: JsonObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...itemsOf(spec, 'containers'), ...itemsOf(spec, 'initContainers')];
  const amounts = all.map((container) => {
    const resources = childOf(container, 'resources') ?? {};
    return { requests: childOf(resources, 'requests') ?? {}, limits: childOf(resources, 'limits') ?? {} };
  });
  const names = ['cpu', 'memory'];
  const asksNothing = amounts.every(({ requests, limits }) =>
    names.every((name) => requests[name] === undefined && limits[name] === undefined),
  );
  if (asksNothing) return 'BestEffort';
  const isBound = amounts.every(({ requests, limits }) =>
    names.every(
      (name) => limits[name] !== undefined && sameJson(limits[name], requests[name] ?? limits[name]),
    ),
  );
  return isBound ? 'Guaranteed' : 'Burstable';
}

/** Keeps what admission added, when a client that does not know it replaces the pod. */
function adoptMissing(next: JsonObject, old: JsonObject): void {
  const [spec, before] = [ensureChild(next, 'spec'), childOf(old, 'spec') ?? {}];
  for (const key of [
    'nodeName',
    'serviceAccountName',
    'serviceAccount',
    'priority',
    'preemptionPolicy',
    'tolerations',
  ])
    if (spec[key] === undefined && before[key] !== undefined) spec[key] = structuredClone(before[key]);
}

const updateText =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function updateErrors(next: JsonObject, old: JsonObject, subresource: string): readonly FieldError[] {
  const free = freeFields[subresource] ?? [];
  return sameJson(fixedSpec(next, free), fixedSpec(old, free)) ? [] : [forbiddenField('spec', updateText)];
}

/** Scheduling gates can be removed, but not added. */
function gateErrors(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const before = new Set(itemsOf(childOf(old, 'spec'), 'schedulingGates').map(({ name }) => name));
  return itemsOf(childOf(next, 'spec'), 'schedulingGates').flatMap(({ name }, index) => {
    if (before.has(name)) return [];
    const text = `only deletion is allowed, but found new scheduling gate '${textOf(name)}'`;
    return [forbiddenField(`spec.schedulingGates[${index}].name`, text)];
  });
}

/** Further fields that subresources may change. */
const freeFields: Readonly<Record<string, readonly string[]>> = {
  binding: ['nodeName'],
  ephemeralcontainers: ['ephemeralContainers'],
};

const movable = [
  'activeDeadlineSeconds',
  'tolerations',
  'terminationGracePeriodSeconds',
  // gateErrors looks at them.
  'schedulingGates',
];

/** The part of a spec that never changes. */
function fixedSpec(pod: JsonObject, free: readonly string[]): JsonObject {
  const spec = { ...childOf(pod, 'spec') };
  for (const list of ['containers', 'initContainers'])
    if (spec[list] !== undefined) spec[list] = itemsOf(spec, list).map(({ image: _image, ...rest }) => rest);
  for (const key of [...movable, ...free]) delete spec[key];
  return spec;
}

/** The remaining seconds of a deleted pod: 0 if it was never scheduled or has ended. */
export function graceOfPod(pod: JsonObject, asked?: number): number {
  const phase = textAt(pod, 'status.phase');
  if (textAt(pod, 'spec.nodeName') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const own = childOf(pod, 'spec')?.['terminationGracePeriodSeconds'];
  const wanted = asked ?? (typeof own === 'number' ? own : 30);
  // A negative value means: as short as possible.
  return wanted < 0 ? 1 : wanted;
}
