import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../../../src/apiserver/resources/api-object.js';
import { findKind } from '../../../src/apiserver/resources/catalogue.js';
import { renderTable } from '../../../src/apiserver/resources/table.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import { createdAt, node, pod, service } from './objects.js';

const nowMs = Date.parse(createdAt) + 5 * 60_000;

interface Table {
  readonly columnDefinitions: { name: string; priority: number }[];
  readonly rows: { cells: unknown[]; object?: unknown; conditions?: { type: string }[] }[];
}

function table(object: ApiObject, overrides: Partial<Parameters<typeof renderTable>[2]> = {}): Table {
  const resource = findKind(object.apiVersion, object.kind);
  if (resource === undefined) throw new Error(`no kind ${object.kind}`);
  const base = {
    nowMs,
    includeObject: 'Metadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '1' },
  } as const;
  return renderTable(resource, [object], { ...base, withColumns: true, ...overrides }) as Table;
}

/** The row as a record by column name. */
function row(object: ApiObject): Record<string, unknown> {
  const { columnDefinitions, rows } = table(object);
  return Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]?.cells[index]]));
}

describe('the table of pods', () => {
  it('has the columns of a real server, the wide ones marked', () => {
    const { columnDefinitions } = table(pod({ name: 'a' }));
    const names = (wide: boolean) =>
      columnDefinitions.filter(({ priority }) => priority > 0 === wide).map(({ name }) => name);
    expect(names(false)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
    expect(names(true)).toEqual(['IP', 'Node', 'Nominated Node', 'Readiness Gates']);
  });

  it('shows a running pod', () => {
    expect(row(pod({ name: 'a', containers: ['x', 'y'] }))).toEqual({
      Name: 'a',
      Ready: '2/2',
      Status: 'Running',
      Restarts: '0',
      Age: '5m',
      IP: '10.1.0.3',
      Node: 'node-1',
      'Nominated Node': '<none>',
      'Readiness Gates': '<none>',
    });
  });

  const terminated = { exitCode: 137, reason: 'OOMKilled', startedAt: createdAt, finishedAt: createdAt };
  it.each<[string, Parameters<typeof pod>[0], Record<string, unknown>]>([
    [
      'why a container waits',
      { name: 'a', status: { ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } } },
      { Ready: '0/1', Status: 'CrashLoopBackOff' },
    ],
    [
      'why a container ended',
      { name: 'a', status: { ready: false, state: { terminated } } },
      { Ready: '0/1', Status: 'OOMKilled' },
    ],
    [
      'the exit code when there is no reason',
      { name: 'a', status: { ready: false, state: { terminated: { ...terminated, reason: '' } } } },
      { Status: 'ExitCode:137' },
    ],
    [
      'when the last restart was',
      { name: 'a', containers: ['x', 'y'], status: { restartCount: 2, lastState: { terminated } } },
      { Restarts: '4 (5m ago)', Status: 'Running' },
    ],
    [
      'the phase of a pod without statuses',
      { name: 'a', containers: [], phase: 'Pending' },
      { Status: 'Pending' },
    ],
  ])('shows %s', (_what, wish, expected) => {
    expect(row(pod(wish))).toMatchObject(expected);
  });

  const crashing = { waiting: { reason: 'CrashLoopBackOff' } };
  const running = { running: { startedAt: createdAt } };
  it.each<[string, object[], Record<string, unknown>, object?]>([
    [
      'a sidecar, an init container that fails, and what stands behind it',
      [
        { name: 'log', ready: true, started: true, restartCount: 1, state: running },
        { name: 'setup', ready: false, started: false, restartCount: 2, state: crashing },
        { name: 'net', ready: true, started: true, restartCount: 4, state: running },
      ],
      { Ready: '1/3', Status: 'Init:CrashLoopBackOff', Restarts: '3' },
    ],
    [
      'a sidecar that has ended well, and one that runs, but is not ready',
      [
        {
          name: 'log',
          ready: false,
          started: false,
          restartCount: 3,
          state: { terminated: { exitCode: 0 } },
        },
        { name: 'setup', ready: true, restartCount: 2, state: { terminated: { exitCode: 0 } } },
        { name: 'net', ready: false, started: true, restartCount: 4, state: running },
      ],
      { Ready: '1/3', Status: 'Running', Restarts: '7' },
    ],
    [
      'only the first of two sidecars, when it holds up a pod that ran before',
      [
        { name: 'log', ready: false, started: false, restartCount: 3, state: crashing },
        { name: 'setup', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } },
        { name: 'net', ready: true, started: true, restartCount: 3, state: running },
      ],
      { Ready: '1/3', Status: 'Init:CrashLoopBackOff', Restarts: '3' },
      { conditions: [{ type: 'Initialized', status: 'True' }] },
    ],
  ])('shows %s', (_what, initContainerStatuses, expected, more) => {
    const base = pod({ name: 'a' });
    const initContainers = ['log', 'setup', 'net'].map((name) => ({
      ...{ name, image: 'x', ...(name === 'setup' ? {} : { restartPolicy: 'Always' }) },
    }));
    const object = {
      ...base,
      spec: { ...base.spec, initContainers },
      status: { ...base.status, initContainerStatuses, ...more },
    };
    expect(row(object)).toMatchObject(expected);
  });

  it('shows a pod under deletion as Terminating, unless it has ended', () => {
    const going = (phase: Pod['status']['phase']): ApiObject => {
      const base = pod({ name: 'a', containers: [], phase });
      return { ...base, metadata: { ...base.metadata, deletionTimestamp: createdAt } };
    };
    expect(row(going('Running'))).toMatchObject({ Status: 'Terminating' });
    expect(row(going('Succeeded'))).toMatchObject({ Status: 'Succeeded' });
  });

  it('marks finished pods, so that clients can hide them', () => {
    expect(table(pod({ name: 'a', phase: 'Succeeded' })).rows[0]?.conditions?.[0]?.type).toBe('Completed');
    expect(table(pod({ name: 'a' })).rows[0]?.conditions).toBeUndefined();
  });

  it('shows an empty object', () => {
    const metadata = { name: 'a', namespace: 'default', uid: 'u', creationTimestamp: '' };
    expect(row({ apiVersion: 'v1', kind: 'Pod', metadata })).toMatchObject({
      Ready: '0/0',
      Status: '',
      Age: '<unknown>',
    });
  });
});

describe('the tables of other kinds', () => {
  it('show nodes with roles, addresses and readiness', () => {
    const base = node('n1', 10250, [{ type: 'InternalIP', address: '10.0.1.11' }]);
    const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/edge': '' };
    const cordoned = { ...base, metadata: { ...base.metadata, labels }, spec: { unschedulable: true } };
    expect(row(cordoned)).toMatchObject({
      Status: 'Ready,SchedulingDisabled',
      Roles: 'edge,worker',
      Version: 'v1.33.1',
      'Internal-IP': '10.0.1.11',
      'External-IP': '<none>',
      'Container-Runtime': '<unknown>',
    });
  });

  it('show services with ports and selector', () => {
    expect(row(service('web', { tier: 'front', app: 'web' }))).toMatchObject({
      'Cluster-IP': '10.96.0.10',
      'External-IP': '<none>',
      'Port(s)': '80/TCP',
      Selector: 'app=web,tier=front',
    });
  });

  it('show at most three endpoints', () => {
    const metadata = { name: 'web', namespace: 'default', uid: 'u', creationTimestamp: createdAt };
    const addresses = [1, 2, 3, 4, 5].map((i) => ({ ip: `10.0.0.${i}` }));
    const endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata,
      subsets: [{ addresses, ports: [{ port: 80 }] }],
    };
    expect(row(endpoints)).toMatchObject({ Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...' });
  });

  it('show name and creation time for kinds without columns', () => {
    const metadata = { name: 's', namespace: 'default', uid: 'u', creationTimestamp: createdAt };
    expect(row({ apiVersion: 'v1', kind: 'Secret', metadata })).toEqual({
      Name: 's',
      'Created At': createdAt,
    });
  });
});

describe('a table row', () => {
  it('contains as much of the object as was requested', () => {
    const object = pod({ name: 'a' });
    expect(table(object).rows[0]?.object).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: object.metadata,
    });
    expect(table(object, { includeObject: 'Object' }).rows[0]?.object).toBe(object);
    expect(table(object, { includeObject: 'None' }).rows[0]?.object).toBeUndefined();
  });
});
