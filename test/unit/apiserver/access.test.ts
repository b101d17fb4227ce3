import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTokenKeys,
  signServiceAccountToken,
} from '../../../src/apiserver/auth/service-account-tokens.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { node, pod } from './objects.js';
import { type Sent, send } from './send-body.js';

const keys = createTokenKeys();
let test: TestApi;
let kubelet: KeyPair;

beforeAll(async () => {
  const credentials = await makeCredentials();
  kubelet = await credentials.ca.issue({
    commonName: 'system:node:node-1',
    organizations: ['system:nodes'],
    usages: ['client'],
  });
  const secret = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: '2024-05-01T10:00:00Z' },
  });
  const user = pod({ name: 'user' });
  test = await startTestApi(credentials, {
    tokenKeys: keys,
    tokens: [
      { token: 'sesame', user: 'bob' },
      { token: 'kim', user: 'kim' },
    ],
    objects: {
      nodes: [node('node-1')],
      pods: [
        {
          ...user,
          spec: { ...user.spec, volumes: [{ name: 'v', secret: { secretName: 'used' } }] },
        } as typeof user,
      ],
      others: [secret('used'), secret('other')],
    },
  });
});
afterAll(() => test.close());

const bearer = (token: string): Sent => ({
  credential: 'none',
  headers: { authorization: `Bearer ${token}` },
});
const rbac = '/apis/rbac.authorization.k8s.io/v1';

describe('a user without a role', () => {
  it.each([
    [
      'GET',
      '/api/v1/namespaces/default/pods',
      'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      'GET',
      '/api/v1/nodes',
      'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [
      'GET',
      '/apis/apps/v1/namespaces/default/deployments/web',
      'deployments.apps "web" is forbidden: User "bob" cannot get resource "deployments" in API group "apps" in the namespace "default"',
    ],
    [
      'POST',
      '/api/v1/namespaces/default/pods/user/exec',
      'pods "user" is forbidden: User "bob" cannot create resource "pods/exec" in API group "" in the namespace "default"',
    ],
    ['GET', '/', 'forbidden: User "bob" cannot get path "/"'],
  ])('may not %s %s', async (method, path, message) => {
    expect((await send(test, method, path, undefined, bearer('sesame'))).json()).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message,
    });
  });

  it('may still use discovery and ask for its own permissions', async () => {
    expect((await send(test, 'GET', '/apis', undefined, bearer('sesame'))).status).toBe(200);
    const ask = (verb: string) =>
      send(
        test,
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        { spec: { resourceAttributes: { verb, resource: 'pods', namespace: 'default' } } },
        bearer('sesame'),
      );
    expect((await ask('get')).json()['status']).toEqual({ allowed: false });
  });
});

describe('a role binding', () => {
  it('gives a user what the role allows, only in its namespace', async () => {
    await send(test, 'POST', `${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'bob-views' },
      subjects: [{ kind: 'User', name: 'bob' }],
      roleRef: { kind: 'ClusterRole', name: 'view' },
    });
    expect(
      (await send(test, 'GET', '/api/v1/namespaces/default/pods', undefined, bearer('sesame'))).status,
    ).toBe(200);
    expect(
      (await send(test, 'DELETE', '/api/v1/namespaces/default/pods/user', undefined, bearer('sesame')))
        .status,
    ).toBe(403);
    expect(
      (await send(test, 'GET', '/api/v1/namespaces/kube-system/pods', undefined, bearer('sesame'))).status,
    ).toBe(403);
    const review = await send(test, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: { user: 'bob', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } },
    });
    expect(review.json()['status']).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "bob-views/default" of ClusterRole "view" to User "bob"',
    });
    const rules = await send(
      test,
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      { spec: { namespace: 'default' } },
      bearer('sesame'),
    );
    expect(rules.json()['status']).toMatchObject({
      resourceRules: expect.arrayContaining([expect.objectContaining({ apiGroups: ['apps'] })]),
      incomplete: false,
    });
  });

  it('cannot be changed to another role', async () => {
    const body = { roleRef: { kind: 'ClusterRole', name: 'edit' } };
    const path = `${rbac}/namespaces/default/rolebindings/bob-views`;
    const patch = { type: 'application/merge-patch+json' };
    expect((await send(test, 'PATCH', path, body, patch)).json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('cannot change roleRef'),
    });
  });
});

describe('a service account', () => {
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';

  it('gets a token, is authenticated by it, and gets 401 when it has expired', async () => {
    const answer = await send(test, 'POST', path, {
      spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'user' } },
    });
    const { status } = answer.json<{ status: { token: string } }>();
    const whoami = await send(
      test,
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      {},
      bearer(status.token),
    );
    expect(whoami.json()['status']).toMatchObject({
      userInfo: {
        username: 'system:serviceaccount:default:default',
        extra: {
          'authentication.kubernetes.io/pod-name': ['user'],
          'authentication.kubernetes.io/node-name': ['node-1'],
        },
      },
    });
    const { sub: _sub, ...claims } = JSON.parse(
      Buffer.from(status.token.split('.')[1] ?? '', 'base64url').toString(),
    ) as { sub: string; 'kubernetes.io': { serviceaccount: { uid: string } } };
    const { uid } = claims['kubernetes.io'].serviceaccount;
    const wish = {
      namespace: 'default',
      name: 'default',
      uid,
      audiences: [keys.issuer],
      expirationSeconds: -1,
    };
    const expired = signServiceAccountToken(keys, wish, Date.now());
    expect((await send(test, 'GET', '/api', undefined, bearer(expired))).json()).toMatchObject({
      code: 401,
      reason: 'Unauthorized',
      message: 'Unauthorized',
    });
  });

  it('cannot ask for a token of less than ten minutes', async () => {
    expect((await send(test, 'POST', path, { spec: { expirationSeconds: 60 } })).json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('may not specify a duration less than 10 minutes'),
    });
  });
});

describe('a kubelet', () => {
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await call(test, path, { method, credential: kubelet })).status;

  it('reads pods, services and its own node', async () => {
    expect(await status('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1')).toBe(200);
    expect(await status('/api/v1/services')).toBe(200);
    expect(await status('/api/v1/nodes/node-1')).toBe(200);
    expect(await status('/apis/apps/v1/deployments')).toBe(403);
  });

  it('reads only the secrets of its pods', async () => {
    expect(await status('/api/v1/namespaces/default/secrets/used')).toBe(200);
    const refused = await call(test, '/api/v1/namespaces/default/secrets/other', { credential: kubelet });
    expect(refused.json()['message']).toBe(
      `secrets "other" is forbidden: User "system:node:node-1" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node 'node-1' and this object`,
    );
  });

  it('may only use its own lease', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const create = async (name: string): Promise<number> =>
      (await send(test, 'POST', leases, { metadata: { name } }, { credential: kubelet })).status;
    expect(await create('node-1')).toBe(201);
    expect(await create('node-2')).toBe(403);
    expect(await status(`${leases}/node-2`)).toBe(403);
  });
});

describe('a name in a field selector', () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const mine = '?fieldSelector=metadata.name%3Dmine';

  it('counts as the name of the object for list and watch only', async () => {
    await send(test, 'POST', `${rbac}/namespaces/default/roles`, {
      metadata: { name: 'mine' },
      rules: [{ verbs: ['*'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] }],
    });
    await send(test, 'POST', `${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'bob-mine' },
      subjects: [{ kind: 'User', name: 'kim' }],
      roleRef: { kind: 'Role', name: 'mine' },
    });
    const kim = bearer('kim');
    const status = async (...[method, tail, body]: [string, string, unknown?]) =>
      (await send(test, method, path + tail, body, kim)).status;
    expect(await status('GET', mine)).toBe(200);
    expect(await status('GET', '?fieldSelector=metadata.namespace%3Ddefault,metadata.name%3D%3Dmine')).toBe(
      200,
    );
    expect(await status('GET', `${mine}&watch=1&timeoutSeconds=1`)).toBe(200);
    expect(await status('GET', '')).toBe(403);
    expect(await status('GET', '?fieldSelector=metadata.name!%3Dmine')).toBe(403);
    expect(await status('POST', mine, { metadata: { name: 'mine' } })).toBe(403);
    expect(await status('POST', mine, { metadata: { name: 'yours' } })).toBe(403);
    expect(await status('DELETE', mine)).toBe(403);
  });
});

describe('a local access review', () => {
  const path = '/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews';
  const post = (spec: object) =>
    send(test, 'POST', path, { metadata: { namespace: 'default' }, spec: { user: 'bob', ...spec } });

  it('answers only for its own namespace', async () => {
    const asked = (namespace: string) =>
      post({ resourceAttributes: { verb: 'get', resource: 'pods', namespace } });
    expect((await asked('default')).status).toBe(201);
    expect((await asked('kube-system')).status).toBe(422);
    expect((await post({ nonResourceAttributes: { verb: 'get', path: '/' } })).status).toBe(422);
  });
});
