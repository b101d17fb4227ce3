import { type ApiObject, listAt, textAt } from '../resources/api-object.js';
import { draftOf, ensureChild, itemsOf, type JsonObject } from '../resources/json.js';
import { type Controller, type ControllerContext, kindOf, save } from './controller.js';

/** kube-controller-manager's `--node-monitor-grace-period` (1.32 and later). */
const graceMs = 50_000;
const unreachable = 'node.kubernetes.io/unreachable';

/** Marks a node as unreachable when it no longer renews its lease. A node without a lease is ignored. */
export const nodeController: Controller = {
  name: 'node-lifecycle',
  isTimed: true,
  reconcile: (context) => {
    for (const node of context.store.list(kindOf('', 'nodes'))) {
      const lease = context.store.get(kindOf('coordination.k8s.io', 'leases'), {
        namespace: 'kube-node-lease',
        name: node.metadata.name,
      });
      if (lease === undefined) continue;
      if (context.steadyMs - lastSeenMs(context, lease) > graceMs) loseNode(context, node);
      else welcomeBack(context, node);
    }
  },
};

/**
 * When this state of the lease was first seen. The time in the lease comes from another clock. After a start or a
 * suspend of this machine, every node gets its whole grace period again.
 */
function lastSeenMs({ heartbeats, steadyMs }: ControllerContext, lease: ApiObject): number {
  const { name } = lease.metadata;
  const before = heartbeats.get(name);
  if (before?.lease === lease) return before.seenMs;
  heartbeats.set(name, { lease, seenMs: steadyMs });
  return steadyMs;
}

function loseNode(context: ControllerContext, node: ApiObject): void {
  const draft = draftOf(node);
  const conditions = itemsOf(ensureChild(draft, 'status'), 'conditions');
  if (conditions.every(({ status }) => status === 'Unknown')) return;
  ensureChild(draft, 'status')['conditions'] = conditions.map((condition) => ({
    ...condition,
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: context.timestamp,
  }));
  const taints = otherTaints(draft);
  ensureChild(draft, 'spec')['taints'] = [
    ...taints,
    { key: unreachable, effect: 'NoSchedule', timeAdded: context.timestamp },
    { key: unreachable, effect: 'NoExecute', timeAdded: context.timestamp },
  ];
  save(context, draft);
  for (const pod of podsOf(context, node)) markNotReady(context, pod);
}

function podsOf({ store }: ControllerContext, node: ApiObject): readonly ApiObject[] {
  return store.list(kindOf('', 'pods')).filter((pod) => textAt(pod, 'spec.nodeName') === node.metadata.name);
}

/** Removes the pods of a lost node from services. */
function markNotReady(context: ControllerContext, pod: ApiObject): void {
  const draft = draftOf(pod);
  const status = ensureChild(draft, 'status');
  const conditions = itemsOf(status, 'conditions');
  if (!conditions.some(({ type, status: state }) => type === 'Ready' && state === 'True')) return;
  status['conditions'] = conditions.map((condition) =>
    condition['type'] === 'Ready'
      ? { ...condition, status: 'False', lastTransitionTime: context.timestamp }
      : condition,
  );
  save(context, draft);
}

/** The kubelet itself reports when it is ready again; then the taint is removed. */
function welcomeBack(context: ControllerContext, node: ApiObject): void {
  // Most were never lost, and a copy of each in every round would cost more than all else here.
  if (!listAt(node, 'spec.taints').some((taint) => textAt(taint, 'key') === unreachable)) return;
  const draft = draftOf(node);
  const ready = itemsOf(ensureChild(draft, 'status'), 'conditions').find(({ type }) => type === 'Ready');
  const spec = ensureChild(draft, 'spec');
  const kept = otherTaints(draft);
  if (ready?.['status'] !== 'True' || kept.length === itemsOf(spec, 'taints').length) return;
  if (kept.length === 0) delete spec['taints'];
  else spec['taints'] = kept;
  save(context, draft);
}

function otherTaints(node: JsonObject): readonly JsonObject[] {
  return itemsOf(ensureChild(node, 'spec'), 'taints').filter(({ key }) => key !== unreachable);
}
