import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finished } from '../../../src/apiserver/resources/json.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { createdAt, node, pod } from './objects.js';
import { mergePatch, send } from './send-body.js';

let test: TestApi;
let kubelet: KeyPair;

const object = (kind: string, name: string, namespace = 'default') =>
  finished({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, creationTimestamp: createdAt },
  });

beforeAll(async () => {
  const credentials = await makeCredentials();
  kubelet = await credentials.ca.issue({
    commonName: 'system:node:node-1',
    organizations: ['system:nodes'],
    usages: ['client'],
  });
  const with_ = (name: string, on: string, spec: object) => {
    const made = pod({ name, node: on });
    return { ...made, spec: { ...made.spec, ...spec } };
  };
  const mirror = pod({ name: 'mirror' });
  test = await startTestApi(credentials, {
    objects: {
      nodes: [node('node-1'), node('node-2')],
      pods: [
        with_('here', 'node-1', {
          serviceAccountName: 'worker',
          volumes: [{ name: 'v', secret: { secretName: 'shared' } }],
        }),
        with_('there', 'node-2', { serviceAccountName: 'boss' }),
        {
          ...mirror,
          metadata: { ...mirror.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } },
          spec: { ...mirror.spec, serviceAccountName: 'boss' } as typeof mirror.spec,
        },
      ],
      others: [
        object('ServiceAccount', 'worker'),
        object('ServiceAccount', 'boss'),
        object('Secret', 'shared'),
        object('Secret', 'shared', 'kube-system'),
      ],
    },
  });
});
afterAll(() => test.close());

async function ask(method: string, path: string, ...[body, type]: [body?: unknown, type?: string]) {
  const answer = await send(test, method, path, body, {
    credential: kubelet,
    ...(type === undefined ? {} : { type }),
  });
  const { message } = answer.json<{ message?: string }>();
  return [answer.status, message?.replace(/^.* is forbidden: (User "[^"]*" cannot .*?: )?/, '')];
}
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const bound = (name: string, uid = `uid-${name}`, kind = 'Pod') => ({
  spec: { boundObjectRef: { kind, apiVersion: 'v1', name, uid } },
});
const unrelated = "no relationship found between node 'node-1' and this object";

describe('tokens for a kubelet', () => {
  it('are only for accounts of its pods, bound to such a pod', async () => {
    expect(await ask('POST', `${accounts}/worker/token`, bound('here'))).toEqual([201, undefined]);
  });

  it.each([
    ['of an account that only pods elsewhere use', 'boss', bound('there'), unrelated],
    ['of an account that no pod uses', 'default', bound('here'), unrelated],
    ['without a pod', 'worker', { spec: {} }, 'node requested token not bound to a pod'],
    [
      'bound to its node',
      'worker',
      bound('node-1', 'uid-node-1', 'Node'),
      'node requested token not bound to a pod',
    ],
    [
      'bound to a pod without its UID',
      'worker',
      bound('here', ''),
      'node requested token with a pod binding without a uid',
    ],
    [
      'bound to a pod of another UID',
      'worker',
      bound('here', 'uid-other'),
      'the UID in the bound object reference (uid-other) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    [
      'bound to a pod elsewhere',
      'worker',
      bound('there'),
      'node requested token bound to a pod scheduled on a different node',
    ],
  ])('are refused %s', async (_what, account, body, cause) => {
    expect(await ask('POST', `${accounts}/${account}/token`, body)).toEqual([403, cause]);
  });

  it('are not given for a pod of another account, to any user', async () => {
    const answer = await send(test, 'POST', `${accounts}/boss/token`, bound('here'));
    expect([answer.status, answer.json()['message']]).toEqual([
      400,
      'cannot bind token for serviceaccount "boss" to pod running with different serviceaccount name.',
    ]);
  });

  it('are all that a kubelet can get of service accounts', async () => {
    expect(await ask('GET', `${accounts}/worker`)).toEqual([
      403,
      'can only create tokens for individual service accounts',
    ]);
  });
});

describe('what a kubelet reads', () => {
  it.each([
    ['its node', '/api/v1/nodes/node-1', 200, undefined],
    ['its node, in a list', '/api/v1/nodes?fieldSelector=metadata.name%3Dnode-1', 200, undefined],
    [
      'no other node',
      '/api/v1/nodes/node-2',
      403,
      "node 'node-1' cannot read 'node-2', only its own Node object",
    ],
    ['not all nodes', '/api/v1/nodes', 403, "node 'node-1' cannot read all nodes, only its own Node object"],
    ['its pod', '/api/v1/namespaces/default/pods/here', 200, undefined],
    ['no other pod', '/api/v1/namespaces/default/pods/there', 403, unrelated],
    ['not all pods', '/api/v1/pods', 403, 'can only list/watch pods with spec.nodeName field selector'],
    [
      'not the pods of another node',
      '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2',
      403,
      'can only list/watch pods with spec.nodeName field selector',
    ],
    [
      'not secrets of this name in all namespaces',
      '/api/v1/secrets?fieldSelector=metadata.name%3Dshared',
      403,
      'can only read namespaced object of this type',
    ],
    [
      'a secret of its pod, in a list',
      '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dshared',
      200,
      undefined,
    ],
  ])('%s', async (_what, path, status, cause) => {
    expect(await ask('GET', path)).toEqual([status, cause]);
  });
});

describe('what a kubelet writes', () => {
  const merge = mergePatch.type ?? '';

  it('its own node, without taints and reserved labels', async () => {
    const patch = (labels: object) => ask('PATCH', '/api/v1/nodes/node-1', { metadata: { labels } }, merge);
    expect(await patch({ 'node.kubernetes.io/instance-type': 'm5', own: 'yes' })).toEqual([200, undefined]);
    expect(await patch({ 'node-role.kubernetes.io/control-plane': '' })).toEqual([
      403,
      'is not allowed to modify labels: node-role.kubernetes.io/control-plane',
    ]);
    expect(await patch({ 'x.node-restriction.kubernetes.io/y': 'z' })).toEqual([
      403,
      'is not allowed to modify labels: x.node-restriction.kubernetes.io/y',
    ]);
    const taints = { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } };
    expect(await ask('PATCH', '/api/v1/nodes/node-1', taints, merge)).toEqual([
      403,
      'node "node-1" is not allowed to modify taints',
    ]);
  });

  it('no other node, not even its status', async () => {
    const other = 'node "node-1" is not allowed to modify node "node-2"';
    expect(await ask('PATCH', '/api/v1/nodes/node-2/status', { status: {} }, merge)).toEqual([403, other]);
    expect(await ask('PATCH', '/api/v1/nodes/node-2', {}, merge)).toEqual([403, other]);
    expect(await ask('POST', '/api/v1/nodes', { metadata: { name: 'node-3' } })).toEqual([
      403,
      'node "node-1" is not allowed to modify node "node-3"',
    ]);
  });

  it('no pod that is not its own', async () => {
    const eviction = (name: string) =>
      ask('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, { metadata: { name } });
    expect(await eviction('there')).toEqual([
      403,
      'node "node-1" can only delete pods with spec.nodeName set to itself',
    ]);
    const status = '/api/v1/namespaces/default/pods/there/status';
    expect(await ask('PATCH', status, { status: { reason: 'x' } }, merge)).toEqual([
      403,
      'node "node-1" can only update pod status for pods with spec.nodeName set to itself',
    ]);
    const labels = { metadata: { labels: { app: 'other' } } };
    expect(await ask('PATCH', '/api/v1/namespaces/default/pods/here/status', labels, merge)).toEqual([
      403,
      'node "node-1" cannot update labels through pod status',
    ]);
  });

  it('a mirror pod that is its own and refers to nothing', async () => {
    const create = (metadata: object, spec: object = {}) =>
      ask('POST', '/api/v1/namespaces/default/pods', {
        metadata: { name: 'static', annotations: { 'kubernetes.io/config.mirror': 'h' }, ...metadata },
        spec: { nodeName: 'node-1', containers: [{ name: 'a', image: 'b' }], ...spec },
      });
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'uid-node-1', controller: true };
    const owned = { ownerReferences: [owner] };
    expect(await create({})).toEqual([
      403,
      'node "node-1" can only create pods with an owner reference set to itself',
    ]);
    expect(await create(owned, { serviceAccountName: 'boss' })).toEqual([
      403,
      'node "node-1" can not create pods that reference a service account',
    ]);
    const secret = { volumes: [{ name: 'v', secret: { secretName: 'other' } }] };
    expect(await create(owned, secret)).toEqual([
      403,
      'node "node-1" can not create pods that reference secrets',
    ]);
    expect(await create({ ownerReferences: [{ ...owner, uid: 'other' }] })).toEqual([
      403,
      'node node-1 UID mismatch: expected other got uid-node-1',
    ]);
    expect(await create(owned)).toEqual([201, undefined]);
  });
});
