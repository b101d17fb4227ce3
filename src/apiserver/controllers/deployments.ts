import { createHash } from 'node:crypto';
import { type ApiObject, at, entriesAt, listAt, numberAt, textAt } from '../resources/api-object.js';
import { draftOf, ensureChild, finished, type JsonObject, sameJson } from '../resources/json.js';
import { randomUid } from '../resources/random-names.js';
import { type Controller, type ControllerContext, isGoing, kindOf, save } from './controller.js';
import { controllerUid, isApiMade, ownedBy } from './replica-sets.js';

const hashLabel = 'pod-template-hash';
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** A replica set per template; older pods go when new ones are ready. Ignores `maxSurge` and `maxUnavailable`. */
export const deploymentController: Controller = {
  name: 'deployment',
  reconcile: (context) => {
    for (const deployment of context.store.list(kindOf('apps', 'deployments')))
      if (isApiMade(deployment) && !isGoing(deployment)) roll(context, deployment);
  },
};

function roll(context: ControllerContext, deployment: ApiObject): void {
  const sets = context.store
    .list(kindOf('apps', 'replicasets'), deployment.metadata.namespace)
    .filter((set) => controllerUid(set) === deployment.metadata.uid);
  const hash = templateHash(deployment);
  const current = sets.find((set) => set.metadata.labels?.[hashLabel] === hash);
  const replicas = numberAt(deployment, 'spec.replicas');
  if (current === undefined && at(deployment, 'spec.paused') !== true)
    createSet(context, deployment, { hash, sets });
  else if (current !== undefined) scale(context, current, replicas);
  const isUp = current !== undefined && numberAt(current, 'status.readyReplicas') >= replicas;
  const old = sets.filter((set) => set !== current);
  if (isUp || textAt(deployment, 'spec.strategy.type') === 'Recreate')
    for (const set of old) scale(context, set, 0);
  report(context, deployment, { current, sets });
}

/** Letters that cannot form words, as in names of pods. */
function templateHash(deployment: ApiObject): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(at(deployment, 'spec.template')))
    .digest('hex');
  const letters = 'bcdfghjklmnpqrst';
  return [...digest.slice(0, 10)].map((digit) => letters[Number.parseInt(digit, 16)]).join('');
}

function createSet(
  context: ControllerContext,
  deployment: ApiObject,
  { hash, sets }: { hash: string; sets: readonly ApiObject[] },
): void {
  const { random, timestamp, store } = context;
  const template = structuredClone(at(deployment, 'spec.template') ?? {}) as JsonObject;
  const labels = { ...Object.fromEntries(entriesAt(template, 'metadata.labels')), [hashLabel]: hash };
  ensureChild(template, 'metadata')['labels'] = labels;
  const matchLabels = {
    ...Object.fromEntries(entriesAt(deployment, 'spec.selector.matchLabels')),
    [hashLabel]: hash,
  };
  const revision = String(Math.max(0, ...sets.map(revisionOf)) + 1);
  store.put(
    finished({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        namespace: deployment.metadata.namespace,
        uid: randomUid(random),
        creationTimestamp: timestamp,
        generation: 1,
        labels,
        annotations: { [revisionAnnotation]: revision },
        ownerReferences: [ownedBy(deployment)],
      },
      spec: { replicas: numberAt(deployment, 'spec.replicas'), selector: { matchLabels }, template },
      status: { replicas: 0 },
    }),
  );
}

function revisionOf(set: ApiObject): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0);
}

function scale(context: ControllerContext, set: ApiObject, replicas: number): void {
  if (numberAt(set, 'spec.replicas') === replicas) return;
  const draft = draftOf(set);
  ensureChild(draft, 'spec')['replicas'] = replicas;
  ensureChild(draft, 'metadata')['generation'] = numberAt(set, 'metadata.generation') + 1;
  save(context, draft);
}

function report(
  context: ControllerContext,
  deployment: ApiObject,
  { current, sets }: { current: ApiObject | undefined; sets: readonly ApiObject[] },
): void {
  const sum = (path: string): number => sets.reduce((total, set) => total + numberAt(set, path), 0);
  const wanted = numberAt(deployment, 'spec.replicas');
  const [ready, replicas] = [sum('status.readyReplicas'), sum('status.replicas')];
  const counts = {
    replicas,
    updatedReplicas: numberAt(current, 'status.replicas'),
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, wanted - ready),
  };
  const status = {
    observedGeneration: numberAt(deployment, 'metadata.generation'),
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    conditions: [availability(context, deployment, ready >= wanted)],
  };
  const draft = draftOf(deployment);
  const annotations = ensureChild(ensureChild(draft, 'metadata'), 'annotations');
  if (current !== undefined) annotations[revisionAnnotation] = String(revisionOf(current));
  draft['status'] = status;
  if (!sameJson(draft, deployment)) save(context, draft);
}

function availability(context: ControllerContext, deployment: ApiObject, isAvailable: boolean): JsonObject {
  const status = isAvailable ? 'True' : 'False';
  const before = listAt(deployment, 'status.conditions').find((each) => textAt(each, 'type') === 'Available');
  const lastTransitionTime =
    textAt(before, 'status') === status ? textAt(before, 'lastTransitionTime') : context.timestamp;
  return {
    type: 'Available',
    status,
    reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: isAvailable
      ? 'Deployment has minimum availability.'
      : 'Deployment does not have minimum availability.',
    lastUpdateTime: lastTransitionTime,
    lastTransitionTime,
  };
}
