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
    cell: (pod) => `${readyContainers(pod)}/${listAt(pod, 'spec.containers').length}`,
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

function isRunningReady(status: unknown): boolean {
  return at(status, 'ready') === true && at(status, 'state.running') !== undefined;
}

function readyContainers(pod: ApiObject): number {
  return statuses(pod).filter(isRunningReady).length;
}

/** The first container with a reason wins over the phase; a pod that is being deleted is `Terminating`. */
function podStatus(pod: ApiObject): string {
  const phase = textAt(pod, 'status.phase');
  const finished = phase === 'Succeeded' || phase === 'Failed';
  if (pod.metadata.deletionTimestamp !== undefined && !finished) return 'Terminating';
  const reasons = statuses(pod).map(containerReason);
  const reason = reasons.find((text) => text !== '') ?? (textAt(pod, 'status.reason') || phase);
  if (reason === 'Completed' && readyContainers(pod) > 0) return isReady(pod) ? 'Running' : 'NotReady';
  return reason;
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

function isReady(pod: ApiObject): boolean {
  return listAt(pod, 'status.conditions').some(
    (condition) => textAt(condition, 'type') === 'Ready' && textAt(condition, 'status') === 'True',
  );
}

/** `3`, or `3 (5m ago)` when the end of the last run is known. */
function restarts(pod: ApiObject, nowMs: number): string {
  const count = statuses(pod).reduce<number>((sum, status) => sum + numberAt(status, 'restartCount'), 0);
  const last = statuses(pod)
    .map((status) => textAt(status, 'lastState.terminated.finishedAt'))
    .sort()
    .at(-1);
  return count === 0 || !last ? String(count) : `${count} (${since(last, nowMs)} ago)`;
}

function readinessGates(pod: ApiObject): string {
  const gates = listAt(pod, 'spec.readinessGates');
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) =>
    listAt(pod, 'status.conditions').some(
      (condition) =>
        textAt(condition, 'type') === textAt(gate, 'conditionType') && textAt(condition, 'status') === 'True',
    ),
  );
  return `${met.length}/${gates.length}`;
}
