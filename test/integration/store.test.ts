import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { soon } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let store: Konnsim;
let storePort = 0;
const apis: { readonly role: Konnsim; readonly port: number }[] = [];

async function startStore(): Promise<void> {
  const args = ['store', '--certs', 'certs', '--data-dir', 'data', '--nodes', '1', '--health-port', '0'];
  store = new Konnsim([...args, '--port', `${storePort}`], { cwd: folder.path, shared: true });
  storePort = Number((await store.waitFor(/^store 127\.0\.0\.1:(\d+)$/m))[1]);
}

async function startApi(): Promise<void> {
  const args = ['apiserver', '--certs', 'certs', '--port', '0', '--uds-name', 'server.sock'];
  const role = new Konnsim([...args, '--store', `127.0.0.1:${storePort}`], { cwd: folder.path });
  const port = Number((await role.waitFor(/^apiserver https:\/\/127\.0\.0\.1:(\d+)$/m))[1]);
  apis.push({ role, port });
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function ask(api: number, method: string, path: string, body?: object): Promise<Reply> {
  const read = (name: string): Promise<string> => readFile(join(folder.path, 'certs', name), 'utf8');
  const [ca, cert, key] = await Promise.all([read('ca.crt'), read('admin.crt'), read('admin.key')]);
  return soon((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = { host: '127.0.0.1', port: apis[api]?.port, path, method, ca, cert, key, headers };
    const sent = request({ ...options, agent: false }, (response) => {
      response.on('error', reject);
      void response
        .toArray()
        .then((chunks) => resolve({ status: response.statusCode ?? 0, body: chunks.join('') }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  }, `answer to ${method} ${path}`);
}

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
const revisionOf = ({ body }: Reply): number =>
  Number((JSON.parse(body) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);

beforeAll(async () => {
  folder = await scratchFolder();
  expect((await konnsim(['certs', '--out', 'certs', '--nodes', '1'], { cwd: folder.path })).code).toBe(0);
  await startStore();
  await Promise.all([startApi(), startApi()]);
}, 120_000);
afterAll(async () => {
  await Promise.all([store, ...apis.map(({ role }) => role)].map((role) => role?.stop('SIGKILL')));
  await folder.remove();
});

describe('API servers in processes of their own, with one store', () => {
  it('serve the same objects', async () => {
    expect((await ask(0, 'POST', maps, map('a'))).status).toBe(201);
    expect((await ask(1, 'GET', `${maps}/a`)).status).toBe(200);
    expect((await ask(1, 'POST', maps, map('a'))).status).toBe(409);
    expect((await ask(0, 'GET', '/api/v1/nodes/node-1')).status).toBe(200);
  });

  it('take each other’s service account tokens', async () => {
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const token = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const made = JSON.parse((await ask(0, 'POST', path, token)).body) as { status: { token: string } };
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: made.status.token },
    };
    const answer = await ask(1, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
    expect(JSON.parse(answer.body)).toMatchObject({ status: { authenticated: true } });
  });

  it('refuse writes while the store is killed, say so, and lose nothing', async () => {
    const before = revisionOf(await ask(0, 'POST', maps, map('b')));
    const lost = Promise.all(apis.map(({ role }) => role.waitFor(/store\.lost/)));
    await store.stop('SIGKILL');
    await lost;
    expect(await ask(0, 'GET', `${maps}/b`)).toMatchObject({ status: 200 });
    const refused = await ask(1, 'POST', maps, map('c'));
    expect([refused.status, refused.body]).toEqual([
      500,
      expect.stringContaining('rpc error: code = Unavailable'),
    ]);
    expect(await ask(1, 'GET', '/readyz')).toMatchObject({
      status: 500,
      body: expect.stringContaining('[-]etcd failed'),
    });
    const found = Promise.all(
      apis.map(({ role }) => role.waitFor(/store\.connected {2}continues where it was/)),
    );
    await startStore();
    await found;
    expect(revisionOf(await ask(1, 'POST', maps, map('c')))).toBeGreaterThan(before);
    for (const name of ['a', 'b', 'c']) expect((await ask(0, 'GET', `${maps}/${name}`)).status).toBe(200);
  });

  it('leave a folder that is in use alone', async () => {
    const args = ['store', '--certs', 'certs', '--data-dir', 'data', '--port', '0', '--health-port', '0'];
    const { code, stderr } = await konnsim(args, { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*in-use\.sock is already in use/m);
  });

  it('end with 143 after SIGTERM, in silence', async () => {
    for (const role of [...apis.map((api) => api.role), store])
      expect(await role.stop('SIGTERM')).toMatchObject({ code: 143, stderr: '' });
  });
});
