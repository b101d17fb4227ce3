import { type ApiObject, at, listAt, numberAt, textAt } from './api-object.js';
import { ageColumn, nameColumn, orNone } from './common-columns.js';
import { since } from './duration.js';
import type { Column } from './resource.js';

export const podColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Ready',
    type: 'string',
    description: 'Ready containers of all containers.',
    cell: (pod) => {
      const counted =
        listAt(pod, 'spec.containers').length + listAt(pod, 'spec.initContainers').filter(isSidecar).length;
      return `${readyContainers(pod)}/${counted}`;
    },
  },
  { name: 'Status', type: 'string', description: 'State of the pod and its containers.', cell: podStatus },
  {
    name: 'Restarts',
    type: 'string',
    description: 'How often the containers of the pod were restarted.',
    cell: restarts,
  },
  ageColumn,
  {
    name: 'IP',
    type: 'string',
    wide: true,
    description: 'Address of the pod.',
    cell: (pod) => orNone(textAt(pod, 'status.podIP')),
  },
  {
    name: 'Node',
    type: 'string',
    wide: true,
    description: 'Node that the pod runs on.',
    cell: (pod) => orNone(textAt(pod, 'spec.nodeName')),
  },
  {
    name: 'Nominated Node',
    type: 'string',
    wide: true,
    description: 'Node that the pod will run on when other pods have made room.',
    cell: (pod) => orNone(textAt(pod, 'status.nominatedNodeName')),
  },
  {
    name: 'Readiness Gates',
    type: 'string',
    wide: true,
    description: 'Readiness gates that are met, of all.',
    cell: readinessGates,
  },
];

function statuses(pod: ApiObject): readonly unknown[] {
  return listAt(pod, 'status.containerStatuses');
}

function isSidecar(container: unknown): boolean {
  return textAt(container, 'restartPolicy') === 'Always';
}

interface InitWalk {
  /** `Init:1/2`, or why the container that holds the others up waits or has ended; empty when none does. */
  readonly reason: string;
  /** The statuses that count, those of sidecars apart. */
  readonly seen: readonly unknown[];
  readonly sidecars: readonly unknown[];
}

/** As the original's printer does it: containers behind the first that holds the others up do not count. */
function walkInit(pod: ApiObject): InitWalk {
  const specs = listAt(pod, 'spec.initContainers');
  const names = new Set(specs.filter(isSidecar).map((each) => textAt(each, 'name')));
  const isOfSidecar = (status: unknown): boolean => names.has(textAt(status, 'name'));
  const all = listAt(pod, 'status.initContainerStatuses');
  const index = all.findIndex(
    (status) => !hasSucceeded(status) && !(isOfSidecar(status) && at(status, 'started') === true),
  );
  const seen = index < 0 ? all : all.slice(0, index + 1);
  const sidecars = seen.filter(isOfSidecar);
  if (index < 0) return { reason: '', seen, sidecars };
  const why = containerReason(all[index]);
  const count = `${index}/${specs.length}`;
  return { reason: `Init:${why === '' || why === 'PodInitializing' ? count : why}`, seen, sidecars };
}

function hasSucceeded(status: unknown): boolean {
  return at(status, 'state.terminated') !== undefined && numberAt(status, 'state.terminated.exitCode') === 0;
}

function isRunningReady(status: unknown): boolean {
  return at(status, 'ready') === true && at(status, 'state.running') !== undefined;
}

function readyContainers(pod: ApiObject): number {
  const walk = walkInit(pod);
  const sidecars = walk.sidecars.filter(
    (status) => at(status, 'ready') === true && at(status, 'started') === true && !hasSucceeded(status),
  );
  const main = isInitializing(pod, walk) ? [] : statuses(pod).filter(isRunningReady);
  return sidecars.length + main.length;
}

function isInitializing(pod: ApiObject, { reason }: InitWalk): boolean {
  return reason !== '' && !hasCondition(pod, 'Initialized');
}

/** The first container with a reason wins over the phase; a pod that is being deleted is `Terminating`. */
function podStatus(pod: ApiObject): string {
  const phase = textAt(pod, 'status.phase');
  const finished = phase === 'Succeeded' || phase === 'Failed';
  if (pod.metadata.deletionTimestamp !== undefined && !finished) return 'Terminating';
  const walk = walkInit(pod);
  if (isInitializing(pod, walk)) return walk.reason;
  const reasons = statuses(pod).map(containerReason);
  const reason =
    reasons.find((text) => text !== '') ??
    (walk.reason || gatedReason(pod) || textAt(pod, 'status.reason') || phase);
  if (reason !== 'Completed') return reason;
  const isRunning = statuses(pod).some(isRunningReady);
  if (isRunning && hasCondition(pod, 'Ready')) return 'Running';
  const failed = statuses(pod).find((status) => numberAt(status, 'state.terminated.exitCode') !== 0);
  if (failed !== undefined) return containerReason(failed);
  return isRunning ? 'NotReady' : reason;
}

/** The scheduler does not look at a pod with `schedulingGates`. */
function gatedReason(pod: ApiObject): string {
  const conditions = listAt(pod, 'status.conditions');
  const scheduled = conditions.find((condition) => textAt(condition, 'type') === 'PodScheduled');
  return textAt(scheduled, 'reason') === 'SchedulingGated' ? 'SchedulingGated' : '';
}

function containerReason(status: unknown): string {
  const waiting = textAt(status, 'state.waiting.reason');
  if (waiting !== '') return waiting;
  if (at(status, 'state.terminated') === undefined) return '';
  const signal = numberAt(status, 'state.terminated.signal');
  return (
    textAt(status, 'state.terminated.reason') ||
    (signal === 0 ? `ExitCode:${numberAt(status, 'state.terminated.exitCode')}` : `Signal:${signal}`)
  );
}

function hasCondition(pod: ApiObject, wanted: string): boolean {
  return listAt(pod, 'status.conditions').some(
    (condition) => textAt(condition, 'type') === wanted && textAt(condition, 'status') === 'True',
  );
}

/** `3`, or `3 (5m ago)` when the end of the last run is known. Init containers count while they run. */
function restarts(pod: ApiObject, nowMs: number): string {
  const walk = walkInit(pod);
  const counted = isInitializing(pod, walk) ? walk.seen : [...walk.sidecars, ...statuses(pod)];
  const count = counted.reduce<number>((sum, status) => sum + numberAt(status, 'restartCount'), 0);
  const last = counted
    .map((status) => textAt(status, 'lastState.terminated.finishedAt'))
    .sort()
    .at(-1);
  return count === 0 || !last ? String(count) : `${count} (${since(last, nowMs)} ago)`;
}

function readinessGates(pod: ApiObject): string {
  const gates = listAt(pod, 'spec.readinessGates');
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) => hasCondition(pod, textAt(gate, 'conditionType')));
  return `${met.length}/${gates.length}`;
}
