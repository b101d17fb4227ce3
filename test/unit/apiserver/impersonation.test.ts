import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finished } from '../../../src/apiserver/resources/json.js';
import { once } from '../../support/waits.js';
import { type Answer, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { createdAt } from './objects.js';
import { send } from './send-body.js';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const metadata = (name: string) => ({ name, uid: `uid-${name}`, creationTimestamp: createdAt });
const role = (name: string, ...rules: readonly object[]) => [
  finished({ apiVersion, kind: 'ClusterRole', metadata: metadata(name), rules }),
  finished({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'User', name }],
  }),
];
const may = (resource: string, more: object = {}) => ({
  verbs: ['impersonate'],
  apiGroups: resource.startsWith('u') && resource !== 'users' ? ['authentication.k8s.io'] : [''],
  resources: [resource],
  ...more,
});
const users = [
  role('users', may('users')),
  role('robots', may('serviceaccounts', { resourceNames: ['default'] })),
  role('groups', may('users'), may('groups', { resourceNames: ['dev', 'ops'] })),
  role(
    'all',
    may('users'),
    may('groups'),
    may('uids'),
    may('userextras/scopes', { resourceNames: ['read'] }),
  ),
];

let test: TestApi;
beforeAll(async () => {
  const tokens = ['users', 'robots', 'groups', 'all'].map((user) => ({ token: user, user }));
  test = await startTestApi(await makeCredentials(), { tokens, objects: { others: users.flat() } });
});
afterAll(() => test.close());

type Headers = Record<string, string | string[]>;
const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ask = (who: string, headers: Headers): Promise<Answer> =>
  send(
    test,
    'POST',
    reviews,
    {},
    {
      credential: 'none',
      headers: { authorization: `Bearer ${who}`, ...headers } as Record<string, string>,
    },
  );
const userOf = (answer: Answer): unknown =>
  answer.json<{ status?: { userInfo?: unknown } }>().status?.userInfo;
const messageOf = (answer: Answer): unknown => answer.json()['message'];
const account = 'system:serviceaccount:default:default';

describe('impersonation', () => {
  it('of a service account needs the permission for this account; the permission for users is not enough', async () => {
    const refused = await ask('users', { 'impersonate-user': account });
    expect([refused.status, messageOf(refused)]).toEqual([
      403,
      'serviceaccounts "default" is forbidden: User "users" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
    ]);
    expect(userOf(await ask('robots', { 'impersonate-user': account }))).toEqual({
      username: account,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    expect((await ask('robots', { 'impersonate-user': 'bob' })).status).toBe(403);
  });

  it('treats a name that only looks like a service account as a user', async () => {
    const name = 'system:serviceaccount:a:b:c';
    expect(userOf(await ask('users', { 'impersonate-user': name }))).toMatchObject({ username: name });
  });

  it('checks each group; a group may have a comma in its name', async () => {
    const headers = { 'impersonate-user': 'bob', 'impersonate-group': ['dev', 'ops'] };
    expect(userOf(await ask('groups', headers))).toEqual({
      username: 'bob',
      groups: ['dev', 'ops', 'system:authenticated'],
    });
    const both = await ask('groups', { 'impersonate-user': 'bob', 'impersonate-group': 'dev,ops' });
    expect(messageOf(both)).toBe(
      'groups "dev,ops" is forbidden: User "groups" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
  });

  it('checks UID and extras, and uses them', async () => {
    const headers = {
      'impersonate-user': 'bob',
      'impersonate-uid': 'u-1',
      'impersonate-extra-Scopes': 'read',
    };
    expect(userOf(await ask('all', headers))).toEqual({
      username: 'bob',
      uid: 'u-1',
      groups: ['system:authenticated'],
      extra: { scopes: ['read'] },
    });
    expect(messageOf(await ask('users', headers))).toMatch(/^(uids|userextras)\.authentication\.k8s\.io /);
    expect(messageOf(await ask('all', { ...headers, 'impersonate-extra-scopes': 'write' }))).toBe(
      'userextras.authentication.k8s.io "write" is forbidden: User "all" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    );
    const escaped = { 'impersonate-user': 'bob', 'impersonate-extra-acme.com%2Fproject': 'x' };
    expect(messageOf(await ask('all', escaped))).toContain('resource "userextras/acme.com/project"');
  });

  it.each([
    ['a group', { 'impersonate-group': 'dev' }, '{Group  dev    }'],
    ['a UID', { 'impersonate-uid': 'u-1' }, '{UID  u-1  authentication.k8s.io/v1  }'],
    [
      'an extra',
      { 'impersonate-extra-scopes': 'read' },
      '{UserExtra  read  authentication.k8s.io/v1  scopes}',
    ],
    [
      'a group beside an empty user',
      { 'impersonate-user': '', 'impersonate-group': 'dev' },
      '{Group  dev    }',
    ],
  ])('is an error with %s and no user', async (_what, headers: Headers, shown) => {
    const answer = await ask('all', headers);
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
      500,
      'text/plain; charset=utf-8',
      `Internal Server Error: "${reviews}": requested [${shown}] without impersonating a user\n`,
    ]);
  });

  it('of system:anonymous is unauthenticated; a given group system:authenticated is not repeated', async () => {
    expect(userOf(await ask('all', { 'impersonate-user': 'system:anonymous' }))).toBeUndefined();
    const headers = { 'impersonate-user': 'bob', 'impersonate-group': 'system:authenticated' };
    expect(userOf(await ask('all', headers))).toMatchObject({ groups: ['system:authenticated'] });
  });

  it('works the same over HTTP/2', async () => {
    const session = connect(test.api.url, { ca: test.credentials.ca.certPem });
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': reviews,
        authorization: 'Bearer groups',
        'content-type': 'application/json',
        'impersonate-user': 'bob',
        'impersonate-group': ['dev', 'root'],
      });
      stream.end('{}');
      const [head] = (await once(stream, 'response')) as [{ ':status'?: number }];
      const text = (await stream.toArray()).join('');
      expect([head[':status'], text]).toEqual([
        403,
        expect.stringContaining('groups \\"root\\" is forbidden'),
      ]);
    } finally {
      session.destroy();
    }
  });
});
