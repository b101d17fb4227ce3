import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finished } from '../../../src/apiserver/resources/json.js';
import { makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { createdAt } from './objects.js';
import { applyPatch, jsonPatch, mergePatch, type Sent, send, strategicPatch } from './send-body.js';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const apiGroups = ['rbac.authorization.k8s.io'];
const allVerbs = ['get', 'list', 'create', 'update', 'patch', 'delete'];
const roleKinds = ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'];

const metadata = (name: string) => ({ name, uid: `uid-${name}`, creationTimestamp: createdAt });
const clusterRole = (name: string, rules: readonly object[]) =>
  finished({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: metadata(name),
    rules,
  });
const binding = (role: string, user: string) =>
  finished({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: metadata(`${user}-${role}`),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'User', name: user }],
  });

const others = [
  clusterRole('edits-roles', [
    { verbs: allVerbs, apiGroups, resources: roleKinds },
    { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/log'] },
    { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] },
    { verbs: ['get'], nonResourceURLs: ['/metrics', '/debug/*'] },
  ]),
  clusterRole('escalates', [{ verbs: ['escalate'], apiGroups, resources: ['roles', 'clusterroles'] }]),
  clusterRole('binds-view', [
    { verbs: ['bind'], apiGroups, resources: ['clusterroles'], resourceNames: ['view'] },
  ]),
  ...['bob', 'eve', 'ann'].map((user) => binding('edits-roles', user)),
  binding('escalates', 'eve'),
  binding('binds-view', 'ann'),
];

let test: TestApi;
beforeAll(async () => {
  const tokens = ['bob', 'eve', 'ann'].map((user) => ({ token: `token-${user}`, user, groups: ['dev'] }));
  test = await startTestApi(await makeCredentials(), { tokens, objects: { others } });
});
afterAll(() => test.close());

const as = (user: string, more: Sent = {}): Sent => ({
  ...more,
  credential: 'none',
  headers: { authorization: `Bearer token-${user}` },
});
const roles = `${rbac}/namespaces/default/roles`;
const roleBindings = `${rbac}/namespaces/default/rolebindings`;
const role = (name: string, ...rules: object[]) => ({ metadata: { name }, rules });
const bind = (name: string, kind: string, target: string, user = 'bob') => ({
  metadata: { name },
  roleRef: { kind, name: target },
  subjects: [{ kind: 'User', name: user }],
});
const podsRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };
const secretsRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] };
const attempt =
  'user "bob" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n';
const notHeld = `${attempt}{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}`;

describe('a user who may write roles', () => {
  it.each([
    ['a rule that he has', podsRule],
    ['a part of a rule that he has', { ...podsRule, verbs: ['get'] }],
    ['a subresource of any kind', { verbs: ['get'], apiGroups: [''], resources: ['pods/log'] }],
    [
      'an object that he may read',
      { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] },
    ],
  ])('may give away %s', async (what, rule) => {
    const name = what.replaceAll(' ', '-');
    expect((await send(test, 'POST', roles, role(name, rule), as('bob'))).status).toBe(201);
  });

  it.each([
    ['other objects', secretsRule, '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'],
    ['all verbs', { ...podsRule, verbs: ['*'] }, '{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'],
    [
      'objects without a name where he has one name',
      { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine', 'yours'] },
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["yours"], Verbs:["get"]}',
    ],
    [
      'a subresource of a kind that he may read',
      { verbs: ['get'], apiGroups: [''], resources: ['pods/exec'] },
      '{APIGroups:[""], Resources:["pods/exec"], Verbs:["get"]}',
    ],
  ])('may not give away %s', async (_what, rule, missing) => {
    expect((await send(test, 'POST', roles, role('more', rule), as('bob'))).json()).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `roles.rbac.authorization.k8s.io "more" is forbidden: ${attempt}${missing}`,
    });
  });

  it('may give permissions for paths that the user may read, and for no others', async () => {
    const paths = (...nonResourceURLs: string[]) => role('paths', { verbs: ['get'], nonResourceURLs });
    const answer = await send(
      test,
      'POST',
      `${rbac}/clusterroles`,
      paths('/metrics', '/debug/pprof', '/logs'),
      as('bob'),
    );
    expect(answer.json()['message']).toBe(
      `clusterroles.rbac.authorization.k8s.io "paths" is forbidden: ${attempt}{NonResourceURLs:["/logs"], Verbs:["get"]}`,
    );
    const own = await send(
      test,
      'POST',
      `${rbac}/clusterroles`,
      paths('/metrics', '/debug/pprof'),
      as('bob'),
    );
    expect(own.status).toBe(201);
  });

  it('may not add in an update what may not be created', async () => {
    const path = `${roles}/grows`;
    expect((await send(test, 'POST', roles, role('grows', podsRule), as('bob'))).status).toBe(201);
    const rules = [podsRule, secretsRule];
    const applied = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', ...role('grows', ...rules) };
    const tries = [
      await send(test, 'PUT', path, role('grows', ...rules), as('bob')),
      await send(test, 'PATCH', path, { rules }, as('bob', mergePatch)),
      await send(test, 'PATCH', path, { rules }, as('bob', strategicPatch)),
      await send(
        test,
        'PATCH',
        path,
        [{ op: 'add', path: '/rules/-', value: secretsRule }],
        as('bob', jsonPatch),
      ),
      await send(test, 'PATCH', `${path}?fieldManager=me&force=true`, applied, as('bob', applyPatch)),
      await send(test, 'PUT', `${roles}/new`, role('new', ...rules), as('bob')),
    ];
    expect(tries.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(tries[0]?.json()['message']).toBe(
      `roles.rbac.authorization.k8s.io "grows" is forbidden: ${notHeld}`,
    );
  });

  it('may still remove finalizers from a role with more rights', async () => {
    const big = { metadata: { name: 'big', finalizers: ['a/b'] }, rules: [secretsRule] };
    await send(test, 'POST', roles, big);
    const patch = { metadata: { finalizers: null } };
    expect((await send(test, 'PATCH', `${roles}/big`, patch, as('bob', mergePatch))).status).toBe(200);
    const labels = { metadata: { labels: { a: 'b' } } };
    expect((await send(test, 'PATCH', `${roles}/big`, labels, as('bob', mergePatch))).status).toBe(403);
  });

  it('may not collect the rules of other roles without being an administrator', async () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
    const body = { metadata: { name: 'collects' }, aggregationRule, rules: [] };
    const answer = await send(test, 'POST', `${rbac}/clusterroles`, body, as('bob'));
    expect(answer.json()['message']).toBe(
      'clusterroles.rbac.authorization.k8s.io "collects" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    );
  });

  it('may give all permissions with the verb escalate', async () => {
    expect((await send(test, 'POST', roles, role('free', secretsRule), as('eve'))).status).toBe(201);
  });
});

describe('a user who may write bindings', () => {
  it('may bind a role whose rules the user has', async () => {
    const body = bind('own', 'ClusterRole', 'edits-roles');
    expect((await send(test, 'POST', roleBindings, body, as('bob'))).status).toBe(201);
  });

  it.each([
    ['a role binding', roleBindings, 'rolebindings'],
    ['a cluster role binding', `${rbac}/clusterrolebindings`, 'clusterrolebindings'],
  ])('may not make himself an administrator with %s', async (_what, path, plural) => {
    const answer = await send(test, 'POST', path, bind('root', 'ClusterRole', 'cluster-admin'), as('bob'));
    expect(answer.json()).toMatchObject({
      code: 403,
      message:
        `${plural}.rbac.authorization.k8s.io "root" is forbidden: ${attempt}` +
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
    });
  });

  it('may not add a subject to a binding with more rights', async () => {
    await send(test, 'POST', roleBindings, bind('given', 'ClusterRole', 'cluster-admin', 'root'));
    const subjects = [
      { kind: 'User', name: 'bob' },
      { kind: 'Group', name: 'dev' },
    ];
    const path = `${roleBindings}/given`;
    expect((await send(test, 'PATCH', path, { subjects }, as('bob', mergePatch))).status).toBe(403);
  });

  it('gets 404 for a role that does not exist', async () => {
    const answer = await send(test, 'POST', roleBindings, bind('lost', 'Role', 'nowhere'), as('bob'));
    expect(answer.json()).toMatchObject({
      code: 404,
      message: 'roles.rbac.authorization.k8s.io "nowhere" not found',
    });
  });

  it('may bind the roles that the verb bind allows, by name', async () => {
    const post = async (name: string, target: string) =>
      (await send(test, 'POST', roleBindings, bind(name, 'ClusterRole', target), as('ann'))).status;
    expect(await post('ann-view', 'view')).toBe(201);
    expect(await post('ann-edit', 'edit')).toBe(403);
  });
});
