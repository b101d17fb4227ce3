import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import {
  type Answer,
  caBundle,
  configure,
  patchOf,
  podOf,
  podsPath,
  setLabel,
  startWebhook,
  type WebhookServer,
} from './admission-fixture.js';
import { type Credentials, call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let serving: KeyPair;
let test: TestApi;
const open: WebhookServer[] = [];
beforeAll(async () => {
  credentials = await makeCredentials();
  // URLs are dialled by their address.
  serving = await credentials.ca.issue({ commonName: 'hook', usages: ['server'] });
});
beforeEach(async () => {
  test = await startTestApi(credentials);
});
afterEach(async () => {
  await test.close();
  for (const server of open.splice(0)) await server.close();
});

async function hookServer(answer: Answer): Promise<WebhookServer> {
  const server = await startWebhook(serving, answer);
  open.push(server);
  return server;
}

const at = ({ port }: WebhookServer, path = '/hook'): object => ({
  url: `https://127.0.0.1:${port}${path}`,
  caBundle: caBundle(credentials),
});

describe('mutating webhooks', () => {
  it('change the object, one after the other in the order of their configurations', async () => {
    const server = await hookServer((asked, url) => {
      const before = Object.keys(asked.object?.metadata.labels ?? {}).join('.');
      return patchOf(setLabel(url.slice(1).replace(/\?.*/, ''), `after-${before}`));
    });
    await configure(test, 'Mutating', 'b', { name: 'b.hook.example', clientConfig: at(server, '/second') });
    await configure(test, 'Mutating', 'a', { name: 'a.hook.example', clientConfig: at(server, '/first') });
    const answer = await send(test, 'POST', podsPath, podOf('one', { given: 'x' }));
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({
      metadata: { labels: { given: 'x', first: 'after-given', second: 'after-given.first' } },
    });
  });

  it('get all fields of the request', async () => {
    const server = await hookServer(() => ({ allowed: true }));
    await configure(test, 'Mutating', 'a', {
      name: 'a.hook.example',
      clientConfig: at(server),
      timeoutSeconds: 7,
    });
    await send(test, 'POST', `${podsPath}?fieldManager=me`, podOf('told'));
    expect(server.seen).toMatchObject([
      {
        url: '/hook?timeout=7s',
        request: {
          uid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
          kind: { group: '', version: 'v1', kind: 'Pod' },
          resource: { group: '', version: 'v1', resource: 'pods' },
          requestKind: { group: '', version: 'v1', kind: 'Pod' },
          requestResource: { group: '', version: 'v1', resource: 'pods' },
          name: 'told',
          namespace: 'default',
          operation: 'CREATE',
          userInfo: { username: 'admin', groups: ['system:masters', 'dev', 'system:authenticated'] },
          object: { metadata: { name: 'told' }, spec: { restartPolicy: 'Always' } },
          oldObject: null,
          dryRun: false,
          options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
        },
      },
    ]);
  });

  it('are called once more when a later one has changed the object, if their policy is IfNeeded', async () => {
    const first = await hookServer(() => ({ allowed: true }));
    const other = await hookServer(() => ({ allowed: true }));
    const last = await hookServer(() => patchOf(setLabel('late', 'yes')));
    const policy = { reinvocationPolicy: 'IfNeeded' };
    await configure(
      test,
      'Mutating',
      'a',
      { name: 'first.hook.example', clientConfig: at(first), ...policy },
      { name: 'other.hook.example', clientConfig: at(other) },
      { name: 'last.hook.example', clientConfig: at(last), ...policy },
    );
    await send(test, 'POST', podsPath, podOf('again'));
    expect([first, other, last].map(({ seen }) => seen.length)).toEqual([2, 1, 1]);
    expect(first.seen[1]?.request.object?.metadata.labels).toMatchObject({ late: 'yes' });
  });

  it('cannot add fields that the type does not have', async () => {
    const server = await hookServer(() => patchOf({ op: 'add', path: '/spec/nonsense', value: 1 }));
    await configure(test, 'Mutating', 'a', { name: 'a.hook.example', clientConfig: at(server) });
    const answer = await send(test, 'POST', podsPath, podOf('clean'));
    expect(answer.status).toBe(201);
    expect(answer.text).not.toContain('nonsense');
  });

  it('fail the write when their patch does not fit, with any failure policy', async () => {
    const server = await hookServer(() => patchOf({ op: 'remove', path: '/metadata/labels/missing' }));
    await configure(test, 'Mutating', 'a', {
      ...{ name: 'a.hook.example', clientConfig: at(server), failurePolicy: 'Ignore' },
    });
    const answer = await send(test, 'POST', podsPath, podOf('unfit'));
    expect(answer.status).toBe(500);
    expect((await call(test, `${podsPath}/unfit`)).status).toBe(404);
  });
});

describe('validating webhooks', () => {
  it('refuse with their own words, code and reason', async () => {
    const status = { code: 403, reason: 'Forbidden', message: 'not on a Friday' };
    const server = await hookServer(() => ({ allowed: false, status }));
    await configure(test, 'Validating', 'a', { name: 'no.hook.example', clientConfig: at(server) });
    const answer = await send(test, 'POST', podsPath, podOf('denied'));
    expect(answer.json()).toMatchObject({
      status: 'Failure',
      code: 403,
      reason: 'Forbidden',
      message: 'admission webhook "no.hook.example" denied the request: not on a Friday',
    });
    expect((await call(test, `${podsPath}/denied`)).status).toBe(404);
  });

  it('refuse with 400 and no reason when they give none', async () => {
    const server = await hookServer(() => ({ allowed: false }));
    await configure(test, 'Validating', 'a', { name: 'no.hook.example', clientConfig: at(server) });
    const status = (await send(test, 'POST', podsPath, podOf('denied'))).json();
    expect(status).toMatchObject({
      code: 400,
      message: 'admission webhook "no.hook.example" denied the request without explanation',
    });
    expect(status).not.toHaveProperty('reason');
  });

  it('are called at the same time, and see the changes of the mutating ones', async () => {
    const mutating = await hookServer(() => patchOf(setLabel('made', 'yes')));
    let waiting = 0;
    let goOn: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const server = await hookServer(async () => {
      if (++waiting === 2) goOn();
      await both;
      return { allowed: true };
    });
    await configure(test, 'Mutating', 'm', { name: 'm.hook.example', clientConfig: at(mutating) });
    const clientConfig = at(server);
    await configure(
      test,
      'Validating',
      'v',
      { name: 'one.hook.example', clientConfig },
      { name: 'two.hook.example', clientConfig },
    );
    expect((await send(test, 'POST', podsPath, podOf('both'))).status).toBe(201);
    expect(server.most()).toBe(2);
    expect(server.seen.map(({ request }) => request.object?.metadata.labels)).toEqual([
      { made: 'yes' },
      { made: 'yes' },
    ]);
  });

  it('see deletions, with the object that is to be deleted', async () => {
    const server = await hookServer(({ operation }) => ({ allowed: operation !== 'DELETE' }));
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['configmaps'] }];
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server), rules });
    const path = '/api/v1/namespaces/default/configmaps';
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } };
    expect((await send(test, 'POST', path, map)).status).toBe(201);
    expect((await send(test, 'PUT', `${path}/kept`, { ...map, data: { k: 'v' } })).status).toBe(200);
    expect((await send(test, 'DELETE', `${path}/kept`)).status).toBe(400);
    expect((await call(test, `${path}/kept`)).status).toBe(200);
    expect(server.seen.map(({ request }) => request.operation)).toEqual(['CREATE', 'UPDATE', 'DELETE']);
    expect(server.seen[2]?.request).toMatchObject({ object: null, oldObject: { data: { k: 'v' } } });
  });

  it('may refuse streams, and see their options', async () => {
    const server = await hookServer(() => ({ allowed: false, status: { code: 403, message: 'no shells' } }));
    const rules = [{ operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/*'] }];
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server), rules });
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
    const exec = `${podsPath}/one/exec?command=sh&stdin=true&tty=true&container=main`;
    const answer = await call(test, exec, { method: 'POST', headers });
    expect(answer.json()).toMatchObject({
      code: 403,
      message: 'admission webhook "a.hook.example" denied the request: no shells',
    });
    expect((await call(test, `${podsPath}/one/proxy/path`)).status).toBe(403);
    expect(server.seen.map(({ request }) => request)).toMatchObject([
      {
        operation: 'CONNECT',
        subResource: 'exec',
        kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
        object: { kind: 'PodExecOptions', command: ['sh'], container: 'main', stdin: true, tty: true },
      },
      { operation: 'CONNECT', subResource: 'proxy', object: { kind: 'PodProxyOptions', path: '/path' } },
    ]);
  });

  it('send their warnings to the client', async () => {
    const server = await hookServer(() => ({ allowed: true, warnings: ['mind the gap'] }));
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server) });
    const answer = await send(test, 'POST', podsPath, podOf('warned'));
    expect(answer.headers['warning']).toBe('299 - "mind the gap"');
  });

  it('see dry runs, which store nothing', async () => {
    const server = await hookServer(() => ({ allowed: true }));
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server) });
    expect((await send(test, 'POST', `${podsPath}?dryRun=All`, podOf('tried'))).status).toBe(201);
    expect(server.seen[0]?.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } });
    expect((await call(test, `${podsPath}/tried`)).status).toBe(404);
  });
});

describe('webhook configurations', () => {
  it('are not called for webhook configurations', async () => {
    const server = await hookServer(() => ({ allowed: false }));
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server), rules });
    await configure(test, 'Validating', 'b', { name: 'b.hook.example', clientConfig: at(server), rules });
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/a';
    expect((await send(test, 'DELETE', path)).status).toBe(200);
    expect(server.seen).toEqual([]);
  });

  it.each([
    [{ service: { namespace: 'default', path: 'x' } }, "must start with a '/'"],
    [{ service: { namespace: 'default' } }, 'service.name: Required value: service name is required'],
    [{ url: 'http://127.0.0.1' }, "'https' is the only allowed URL scheme"],
    [{}, 'exactly one of url or service is required'],
  ])('are refused with a destination that is none: %j', async (clientConfig, text) => {
    await expect(configure(test, 'Mutating', 'a', { name: 'a.hook.example', clientConfig })).rejects.toThrow(
      text,
    );
  });

  it('count the results of calls', async () => {
    const server = await hookServer(({ name }) => ({ allowed: name !== 'bad' }));
    await configure(test, 'Validating', 'a', { name: 'a.hook.example', clientConfig: at(server) });
    await send(test, 'POST', podsPath, podOf('good'));
    await send(test, 'POST', podsPath, podOf('bad'));
    const { text } = await call(test, '/metrics');
    const common = 'name="a.hook.example",operation="CREATE"';
    expect(text).toContain(
      `apiserver_admission_webhook_request_total{code="200",${common},rejected="false",type="validating"} 1`,
    );
    expect(text).toContain(
      `apiserver_admission_webhook_rejection_count{error_type="no_error",${common},rejection_code="400",type="validating"} 1`,
    );
    expect(text).toContain(
      `apiserver_admission_webhook_admission_duration_seconds_count{${common},rejected="true",type="validating"} 1`,
    );
    expect(text).toMatch(/apiserver_request_total\{code="201",.*resource="pods",.*verb="POST".*\} 1/);
    expect(text).toContain('apiserver_current_inflight_requests{request_kind="readOnly"} 1');
  });
});
