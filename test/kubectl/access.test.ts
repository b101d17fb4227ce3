import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTokenKeys, signServiceAccountToken } from '../../src/apiserver/auth/service-account-tokens.js';
import { type KubeconfigCredential, renderKubeconfig } from '../../src/apiserver/kubeconfig.js';
import { findKind } from '../../src/apiserver/resources/catalogue.js';
import { createKubectl, describeEachKubectl, type Kubectl, type KubectlResult } from '../support/kubectl.js';
import { makeCredentials, startTestApi, type TestApi } from '../unit/apiserver/fixture.js';
import { node, pod } from '../unit/apiserver/objects.js';
import { isOldestOrNewest } from './cluster.js';

const keys = createTokenKeys();
const rbac = { apiGroup: 'rbac.authorization.k8s.io' };
const metadata = {
  name: 'bob-views',
  namespace: 'default',
  uid: 'uid-bob',
  creationTimestamp: '2024-05-01T10:00:00Z',
};
const view = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata,
  subjects: [{ ...rbac, kind: 'User', name: 'bob' }],
  roleRef: { ...rbac, kind: 'ClusterRole', name: 'view' },
};

const { namespace: _default, ...wide } = metadata;
/** Writes roles, and acts as other users. */
const rolesOfCarl = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { ...wide, name: 'carl', uid: 'uid-carl' },
    rules: [
      {
        verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['roles', 'rolebindings'],
      },
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] },
      { verbs: ['impersonate'], apiGroups: [''], resources: ['users'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { ...wide, name: 'carl', uid: 'uid-carl-binding' },
    subjects: [{ ...rbac, kind: 'User', name: 'carl' }],
    roleRef: { ...rbac, kind: 'ClusterRole', name: 'carl' },
  },
];

let api: TestApi;
let running: Kubectl[] = [];
beforeAll(async () => {
  const objects = { nodes: [node('node-1')], pods: [pod({ name: 'web' })], others: [view, ...rolesOfCarl] };
  const tokens = [
    { token: 'sesame', user: 'bob' },
    { token: 'stranger', user: 'eve' },
    { token: 'roles', user: 'carl', groups: ['dev'] },
  ];
  api = await startTestApi(await makeCredentials(), { tokenKeys: keys, tokens, objects });
});
afterAll(() => api.close());
afterEach(async () => {
  await Promise.all(running.map((each) => each.close()));
  running = [];
});

const kubeconfig = (credential: KubeconfigCredential): string =>
  renderKubeconfig({ name: 'test', server: api.api.url, caPem: api.credentials.ca.certPem, credential });

/** A token of the account `default` with this lifetime. */
function accountToken(expirationSeconds: number): string {
  const account = { namespace: 'default', name: 'default' };
  const kind = findKind('v1', 'ServiceAccount');
  const uid = kind === undefined ? undefined : api.store.get(kind, account)?.metadata.uid;
  if (uid === undefined) throw new Error('no account default');
  return signServiceAccountToken(
    keys,
    { ...account, uid, audiences: [keys.issuer], expirationSeconds },
    Date.now(),
  );
}

const forbidden = (user: string, what: string, where = 'in the namespace "default"'): string =>
  `Error from server (Forbidden): ${what.replace('USER', `User "${user}"`)} ${where}\n`;
/** Newer kubectls get the answer in discovery, and report it in their own words. */
const notLoggedIn =
  /error: You must be logged in to the server \((Unauthorized|the server has asked for the client to provide credentials)\)\n$/;

describeEachKubectl('what one may not do', (binary) => {
  if (!isOldestOrNewest(binary)) {
    it.skip('is tried with the oldest and the newest kubectl only', () => undefined);
    return;
  }

  async function run(credential: KubeconfigCredential, args: readonly string[]): Promise<KubectlResult> {
    const kubectl = await createKubectl(binary, kubeconfig(credential));
    running.push(kubectl);
    return kubectl.run(args);
  }

  describe('a user who writes roles', () => {
    const carl = (...args: string[]): Promise<KubectlResult> => run({ token: 'roles' }, args);

    it('gives only permissions that the user has', async () => {
      const create = (name: string, resource: string) =>
        carl('create', 'role', `${name}-${binary.version}`, '--verb=get,list', `--resource=${resource}`);
      expect(await create('own', 'pods')).toMatchObject({ code: 0 });
      const more = await create('more', 'secrets');
      expect(more.code).toBe(1);
      expect(more.stderr).toContain(
        'user "carl" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
          '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}\n',
      );
      const root = await carl('create', 'rolebinding', 'root', '--clusterrole=cluster-admin', '--user=carl');
      expect(root.code).toBe(1);
      expect(root.stderr).toContain(
        'rolebindings.rbac.authorization.k8s.io "root" is forbidden: user "carl"',
      );
      expect(await carl('auth', 'can-i', 'escalate', 'roles')).toMatchObject({ code: 1, stdout: 'no\n' });
      expect(await carl('auth', 'can-i', 'create', 'rolebindings')).toMatchObject({
        code: 0,
        stdout: 'yes\n',
      });
    });

    it('acts as a user, and not as a service account or a group', async () => {
      const asBob = await carl('get', 'pods', '-o', 'name', '--as=bob');
      expect([asBob.code, asBob.stdout]).toEqual([0, 'pod/web\n']);
      expect(await carl('auth', 'can-i', 'delete', 'pods', '--as=bob')).toMatchObject({ stdout: 'no\n' });
      // Without discovery, where kubectl reports a refusal in its own words.
      const pods = ['get', '--raw', '/api/v1/namespaces/default/pods'];
      const robot = await carl(...pods, '--as=system:serviceaccount:default:default');
      expect(robot.code).toBe(1);
      expect(robot.stderr).toContain(
        'User "carl" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
      );
      const group = await carl(...pods, '--as=bob', '--as-group=system:masters');
      expect(group.code).toBe(1);
      expect(group.stderr).toContain('User "carl" cannot impersonate resource "groups" in API group ""');
    });
  });

  describe('a user with a role', () => {
    it('reads what it allows', async () => {
      const { code, stdout } = await run({ token: 'sesame' }, ['get', 'pods', '-o', 'name']);
      expect([code, stdout]).toEqual([0, 'pod/web\n']);
    });

    it.each([
      [
        ['delete', 'pod', 'web'],
        'pods "web" is forbidden: USER cannot delete resource "pods" in API group ""',
      ],
      [
        ['exec', 'web', '--', 'ls'],
        'pods "web" is forbidden: USER cannot create resource "pods/exec" in API group ""',
      ],
      [
        ['attach', 'web'],
        'pods "web" is forbidden: USER cannot create resource "pods/attach" in API group ""',
      ],
      [
        ['create', 'configmap', 'a'],
        'configmaps is forbidden: USER cannot create resource "configmaps" in API group ""',
      ],
      [['get', 'secrets'], 'secrets is forbidden: USER cannot list resource "secrets" in API group ""'],
      [
        ['label', 'pod', 'web', 'a=b'],
        'pods "web" is forbidden: USER cannot patch resource "pods" in API group ""',
      ],
    ])('may not %j', async (args, what) => {
      const result = await run({ token: 'sesame' }, args);
      expect(result).toMatchObject({ code: 1, stdout: '' });
      // Newer kubectls say `error: failed to create configmap: …`.
      expect(result.stderr).toMatch(
        /^(Error from server \(Forbidden\)|error: failed to create configmap): /m,
      );
      expect(result.stderr).toContain(forbidden('bob', what).replace('Error from server (Forbidden): ', ''));
    });

    it('may not port-forward', async () => {
      const { code, stderr } = await run({ token: 'sesame' }, ['port-forward', 'web', ':80']);
      expect(stderr).toContain(
        'pods "web" is forbidden: User "bob" cannot create resource "pods/portforward" in API group "" in the namespace "default"',
      );
      expect(code).toBe(1);
    });

    it('has it only in its namespace', async () => {
      expect(await run({ token: 'sesame' }, ['get', 'pods', '-n', 'kube-system'])).toMatchObject({
        code: 1,
        stderr: forbidden(
          'bob',
          'pods is forbidden: USER cannot list resource "pods" in API group ""',
          'in the namespace "kube-system"',
        ),
      });
      expect(await run({ token: 'sesame' }, ['get', 'pods', '-A'])).toMatchObject({
        code: 1,
        stderr: forbidden(
          'bob',
          'pods is forbidden: USER cannot list resource "pods" in API group ""',
          'at the cluster scope',
        ),
      });
    });
  });

  it('a user without any role may only use discovery', async () => {
    expect(await run({ token: 'stranger' }, ['logs', 'web'])).toMatchObject({ code: 1 });
    expect(await run({ token: 'stranger' }, ['get', 'pod', 'web'])).toMatchObject({
      code: 1,
      stderr: forbidden('eve', 'pods "web" is forbidden: USER cannot get resource "pods" in API group ""'),
    });
    const { code, stdout } = await run({ token: 'stranger' }, ['auth', 'can-i', 'get', 'pods']);
    expect([code, stdout]).toEqual([1, 'no\n']);
    expect((await run({ token: 'stranger' }, ['api-versions'])).stdout).toMatch(/^apps\/v1$/m);
  });

  it('a service account is authenticated by its token, and gets 401 when that has expired', async () => {
    const good = await run({ token: accountToken(600) }, ['get', 'pods']);
    expect(good).toMatchObject({
      code: 1,
      stderr: forbidden(
        'system:serviceaccount:default:default',
        'pods is forbidden: USER cannot list resource "pods" in API group ""',
      ),
    });
    const expired = { token: accountToken(-1) };
    for (const args of [
      ['get', 'pods'],
      ['exec', 'web', '--', 'ls'],
      ['logs', 'web'],
      ['port-forward', 'web', ':80'],
    ]) {
      const { code, stderr } = await run(expired, args);
      expect(stderr, args.join(' ')).toMatch(notLoggedIn);
      expect(code).toBe(1);
    }
  });

  it.each([
    ['an unknown token', { token: 'open' }],
    ['a token of another issuer', { token: 'eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.' }],
  ])('%s is refused', async (_what, credential) => {
    const { code, stderr } = await run(credential, ['get', 'pods']);
    expect(stderr).toMatch(notLoggedIn);
    expect(code).toBe(1);
  });

  // Without any credential kubectl asks for a name and a password, which the API does not accept.
  it('a name and a password are refused; health and version need no credential', async () => {
    const kubectl = await createKubectl(binary, kubeconfig({ token: '' }));
    running.push(kubectl);
    const ask = async (args: readonly string[]): Promise<KubectlResult> => {
      const asking = kubectl.start(args, { terminal: true });
      await asking.waitFor(/Username: $/);
      asking.child.stdin.write('bob\n');
      await asking.waitFor(/Password: $/);
      asking.child.stdin.write('secret\n');
      return asking.result;
    };
    const { code, stdout } = await ask(['get', 'pods']);
    expect(stdout.replaceAll('\r\n', '\n')).toMatch(notLoggedIn);
    expect(code).toBe(1);
    expect(await ask(['get', '--raw', '/readyz'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ok$/),
    });
    expect((await ask(['get', '--raw', '/version'])).stdout).toContain('"gitVersion"');
  });

  it('a certificate of another CA is refused', async () => {
    const { admin } = await makeCredentials();
    const { code, stderr } = await run(admin, ['get', 'pods']);
    expect(stderr).toMatch(
      /You must be logged in to the server|tls: unknown certificate authority|bad certificate/,
    );
    expect(code).toBe(1);
  });
});
