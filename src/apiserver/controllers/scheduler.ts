import { type ApiObject, at, entriesAt, listAt, textAt } from '../resources/api-object.js';
import { draftOf, ensureChild, itemsOf, type JsonObject } from '../resources/json.js';
import { type Controller, type ControllerContext, isGoing, kindOf, save } from './controller.js';
import { recordEvent } from './events.js';

/** Gives pods without a node the ready node with the fewest pods. */
export const scheduler: Controller = {
  name: 'scheduler',
  reconcile: (context) => {
    const pods = context.store.list(kindOf('', 'pods'));
    const waiting = pods.filter(isForUs);
    if (waiting.length === 0) return;
    const nodes = context.store.list(kindOf('', 'nodes'));
    const load = countPods(pods);
    for (const pod of waiting) {
      const fit = nodes.filter((node) => unfitReason(node, pod) === undefined);
      const [best] = fit.sort((a, b) => loadOf(load, a) - loadOf(load, b));
      if (best === undefined) refuse(context, pod, nodes);
      else {
        load.set(best.metadata.name, loadOf(load, best) + 1);
        bind(context, pod, best.metadata.name);
      }
    }
  },
};

/** Pods with gates wait until these are removed; another scheduler's pods wait for that one. */
function isForUs(pod: ApiObject): boolean {
  const whose = textAt(pod, 'spec.schedulerName') || 'default-scheduler';
  return (
    textAt(pod, 'spec.nodeName') === '' &&
    !isGoing(pod) &&
    whose === 'default-scheduler' &&
    listAt(pod, 'spec.schedulingGates').length === 0
  );
}

function countPods(pods: readonly ApiObject[]): Map<string, number> {
  const load = new Map<string, number>();
  for (const pod of pods) {
    const node = textAt(pod, 'spec.nodeName');
    load.set(node, (load.get(node) ?? 0) + 1);
  }
  return load;
}

function loadOf(load: ReadonlyMap<string, number>, node: ApiObject): number {
  return load.get(node.metadata.name) ?? 0;
}

/** Why a pod cannot run on a node, in the scheduler's words. */
function unfitReason(node: ApiObject, pod: ApiObject): string | undefined {
  if (at(node, 'spec.unschedulable') === true) return 'node(s) were unschedulable';
  const ready = listAt(node, 'status.conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  if (textAt(ready, 'status') !== 'True') return 'node(s) were not ready';
  const labels = node.metadata.labels ?? {};
  if (entriesAt(pod, 'spec.nodeSelector').some(([key, value]) => labels[key] !== value))
    return "node(s) didn't match Pod's node affinity/selector";
  const tolerations = listAt(pod, 'spec.tolerations');
  const taint = listAt(node, 'spec.taints').find(
    (each) =>
      textAt(each, 'effect') !== 'PreferNoSchedule' && !tolerations.some((one) => tolerates(one, each)),
  );
  if (taint !== undefined)
    return `node(s) had untolerated taint {${textAt(taint, 'key')}: ${textAt(taint, 'value')}}`;
  return undefined;
}

function tolerates(toleration: unknown, taint: unknown): boolean {
  const [key, effect] = [textAt(toleration, 'key'), textAt(toleration, 'effect')];
  if (effect !== '' && effect !== textAt(taint, 'effect')) return false;
  if (key !== '' && key !== textAt(taint, 'key')) return false;
  if (textAt(toleration, 'operator') === 'Exists') return true;
  return key !== '' && textAt(toleration, 'value') === textAt(taint, 'value');
}

function bind(context: ControllerContext, pod: ApiObject, node: string): void {
  const draft = draftOf(pod);
  ensureChild(draft, 'spec')['nodeName'] = node;
  setScheduled(draft, { status: 'True', lastProbeTime: null, lastTransitionTime: context.timestamp });
  save(context, draft);
  const { namespace = '', name } = pod.metadata;
  recordEvent(context, pod, {
    reason: 'Scheduled',
    message: `Successfully assigned ${namespace}/${name} to ${node}`,
    source: 'default-scheduler',
  });
}

/** Reported once; the pod stays in the queue. */
function refuse(context: ControllerContext, pod: ApiObject, nodes: readonly ApiObject[]): void {
  const message = refusalText(nodes.map((node) => unfitReason(node, pod) ?? ''));
  const draft = draftOf(pod);
  const before = itemsOf(ensureChild(draft, 'status'), 'conditions').find(
    ({ type }) => type === 'PodScheduled',
  );
  if (before?.['message'] === message) return;
  setScheduled(draft, {
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastProbeTime: null,
    lastTransitionTime: before?.['lastTransitionTime'] ?? context.timestamp,
  });
  save(context, draft);
  recordEvent(context, pod, {
    reason: 'FailedScheduling',
    message,
    source: 'default-scheduler',
    type: 'Warning',
  });
}

function refusalText(reasons: readonly string[]): string {
  if (reasons.length === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${reasons.length} nodes are available: ${parts.join(', ')}.`;
}

function setScheduled(pod: JsonObject, condition: JsonObject): void {
  const status = ensureChild(pod, 'status');
  const others = itemsOf(status, 'conditions').filter(({ type }) => type !== 'PodScheduled');
  status['conditions'] = [...others, { type: 'PodScheduled', ...condition }];
}
