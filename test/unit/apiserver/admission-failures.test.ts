import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TunnelError } from '../../../src/core/errors.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import {
  type Answer,
  caBundle,
  configure,
  type Hook,
  makeServing,
  podOf,
  podsPath,
  startWebhook,
  type WebhookServer,
} from './admission-fixture.js';
import {
  type Credentials,
  call,
  loopbackDialer,
  makeCredentials,
  startTestApi,
  type TestApi,
} from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let serving: KeyPair;
let test: TestApi;
/** The dialer into the cluster, which tests may break. */
let dial: Dialer['dial'];
const open: WebhookServer[] = [];
beforeAll(async () => {
  credentials = await makeCredentials();
  serving = await makeServing(credentials);
});
beforeEach(async () => {
  dial = loopbackDialer.dial;
  test = await startTestApi(credentials, { dialer: { dial: (...target) => dial(...target) } });
});
afterEach(async () => {
  await test.close();
  for (const server of open.splice(0)) await server.close();
});

const allow: Answer = () => ({ allowed: true });

async function hookServer(answer: Answer = allow, pair = serving): Promise<WebhookServer> {
  const server = await startWebhook(pair, answer);
  open.push(server);
  return server;
}

/** Service `hook`, with one endpoint at `port`; without a port it has no endpoint. */
async function service(port?: number): Promise<void> {
  const namespace = '/api/v1/namespaces/default';
  await send(test, 'POST', `${namespace}/services`, {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook' } },
    spec: { ports: [{ port: 443 }] },
  });
  if (port === undefined) return;
  await send(test, 'POST', `${namespace}/endpoints`, {
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'hook' } },
    subsets: [{ addresses: [{ ip: '10.244.1.10' }], ports: [{ port }] }],
  });
}

const byService = (more: object = {}): object => ({
  caBundle: caBundle(credentials),
  service: { name: 'hook', namespace: 'default', path: '/check', ...more },
});

/** Creates a pod for which the webhook is called, and returns the failure. */
async function failure(hook: Partial<Hook> = {}): Promise<string> {
  await configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig: byService(), ...hook });
  const answer = await send(test, 'POST', podsPath, podOf('asked'));
  expect(answer.json()).toMatchObject({ status: 'Failure', code: 500, reason: 'InternalError' });
  return String(answer.json()['message']);
}

const called = 'Internal error occurred: failed calling webhook "v.hook.example": ';
const posted = `${called}failed to call webhook: Post "https://hook.default.svc:443/check?timeout=10s": `;

describe('a webhook behind a service', () => {
  it('is reached at the address of a pod, under the name of the service', async () => {
    const server = await hookServer();
    await service(server.port);
    const targets: string[] = [];
    dial = (host, port, options) => {
      targets.push(host);
      return loopbackDialer.dial(host, port, options);
    };
    const clientConfig = byService({ path: '/check/' });
    await configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig });
    expect((await send(test, 'POST', podsPath, podOf('asked'))).status).toBe(201);
    expect(targets).toEqual(['10.244.1.10']);
    expect(server.seen.map(({ url }) => url)).toEqual(['/check?timeout=10s']);
  });

  it('fails the write when there is no such service, port or endpoint', async () => {
    expect(await failure()).toBe(`${posted}service "hook" not found`);
    await service();
    const answer = await send(test, 'POST', podsPath, podOf('asked'));
    expect(answer.json()['message']).toBe(`${posted}no endpoints available for service "hook"`);
    await configure(test, 'Validating', 'a', {
      name: 'a.hook.example',
      clientConfig: byService({ port: 8443 }),
    });
    await send(test, 'DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v');
    const other = await send(test, 'POST', podsPath, podOf('asked'));
    expect(other.json()['message']).toMatch(
      /Post "https:\/\/hook\.default\.svc:8443\/check\?timeout=10s": no service port 8443 found for service "hook"$/,
    );
  });

  it("fails the write with the tunnel's own words", async () => {
    await service(8443);
    const text = 'dial tcp 10.244.1.10:8443: connect: connection refused';
    dial = () => Promise.reject(new TunnelError('DIAL_FAILED', text));
    expect(await failure()).toBe(posted + text);
  });

  it('may fail when its failure policy is Ignore, and is counted', async () => {
    await service();
    const hook = { name: 'v.hook.example', clientConfig: byService(), failurePolicy: 'Ignore' };
    await configure(test, 'Validating', 'v', hook);
    await configure(test, 'Mutating', 'm', { ...hook, name: 'm.hook.example' });
    expect((await send(test, 'POST', podsPath, podOf('asked'))).status).toBe(201);
    const { text } = await call(test, '/metrics');
    expect(text).toContain(
      'apiserver_admission_webhook_fail_open_count{name="v.hook.example",type="validating"} 1',
    );
    expect(text).toContain(
      'apiserver_admission_webhook_fail_open_count{name="m.hook.example",type="admit"} 1',
    );
  });

  it('must have a certificate of its CA', async () => {
    const other = await makeCredentials();
    const server = await hookServer(allow, await makeServing(other));
    await service(server.port);
    expect(await failure()).toBe(
      `${posted}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
  });

  it('must have a certificate for its name', async () => {
    const pair = await credentials.ca.issue({
      ...{ commonName: 'x', dnsNames: ['other.default.svc'], usages: ['server'], loopbackNames: false },
    });
    const server = await hookServer(allow, pair);
    await service(server.port);
    expect(await failure()).toBe(
      `${posted}tls: failed to verify certificate: x509: certificate is valid for other.default.svc, not hook.default.svc`,
    );
  });

  it('fails the write when it takes longer than its timeout', async () => {
    const server = await hookServer(() => 'silence');
    await service(server.port);
    const startedAt = performance.now();
    expect(await failure({ timeoutSeconds: 1 })).toBe(
      `${posted.replace('10s', '1s')}context deadline exceeded`,
    );
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  it('fails after its timeout also when the tunnel hangs, and cancels the dial', async () => {
    await service(8443);
    let given: AbortSignal | undefined;
    dial = (_host, _port, options) => {
      given = options?.signal;
      return new Promise(() => undefined);
    };
    expect(await failure({ timeoutSeconds: 1 })).toContain('timeout=1s": context deadline exceeded');
    expect(given?.aborted).toBe(true);
  });

  it('is cancelled when the API server closes', async () => {
    await service(8443);
    dial = () => {
      void test.close();
      return new Promise(() => undefined);
    };
    await configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig: byService() });
    await expect(send(test, 'POST', podsPath, podOf('asked'))).rejects.toThrow();
  });
});

describe('an invalid answer', () => {
  const answers: readonly (readonly [what: string, given: object, text: string | RegExp])[] = [
    [
      'an empty review',
      { raw: '{"kind":"AdmissionReview"}' },
      'received invalid webhook response: webhook response was absent',
    ],
    [
      'another request',
      { uid: 'x', allowed: true },
      /^received invalid webhook response: expected response\.uid="[-0-9a-f]+", got "x"$/,
    ],
    [
      'a patch',
      { allowed: true, patch: 'W10=', patchType: 'JSONPatch' },
      'received invalid webhook response: validating webhook may not return response.patch',
    ],
    [
      'HTTP 500',
      { raw: 'oops\n', code: 500 },
      'failed to call webhook: an error on the server ("oops") has prevented the request from succeeding',
    ],
    [
      'HTTP 404',
      { raw: '', code: 404 },
      'failed to call webhook: the server could not find the requested resource',
    ],
    ['no kind', { raw: '{"a":1}' }, `failed to call webhook: Object 'Kind' is missing in '{"a":1}'`],
    [
      'no JSON',
      { raw: 'hello' },
      `failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    ],
    [
      'wrong JSON',
      { raw: '{"a":z}' },
      "failed to call webhook: couldn't get version/kind; json parse error: invalid character 'z' looking for beginning of value",
    ],
    [
      'half of JSON',
      { raw: '{"a":"z' },
      "failed to call webhook: couldn't get version/kind; json parse error: unexpected end of JSON input",
    ],
    [
      'nothing',
      { raw: '', headers: { 'content-type': 'text/x' } },
      'failed to call webhook: 0-length response with status code: 200 and content type: text/x',
    ],
    [
      'nothing of no type',
      { raw: '', code: 204 },
      'failed to call webhook: 0-length response with status code: 204 and content type: application/json',
    ],
    [
      'HTTP 500 with JSON',
      { raw: '{"a":"b"}', code: 500, headers: { 'content-type': 'application/json' } },
      'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding',
    ],
    [
      'HTTP 500 with much text',
      { raw: 'x'.repeat(3000), code: 500 },
      `failed to call webhook: an error on the server ("${'x'.repeat(2048)}") has prevented the request from succeeding`,
    ],
    ['HTTP 415', { raw: 'need json', code: 415 }, 'failed to call webhook: need json'],
    [
      'a body that is not gzip',
      { raw: 'hello', headers: { 'content-encoding': 'gzip' } },
      'failed to call webhook: unexpected error when reading response body. Please retry. Original error: gzip: invalid header',
    ],
  ];
  it.each(answers)('fails the write: %s', async (_what, given, text) => {
    const server = await hookServer(() => given);
    await service(server.port);
    const message = (await failure()).slice(called.length);
    if (typeof text === 'string') expect(message).toBe(text);
    else expect(message).toMatch(text);
  });
});

describe('a webhook given by its URL', () => {
  it('may answer with gzip, which it is asked for', async () => {
    const pair = await credentials.ca.issue({ commonName: 'hook', usages: ['server'] });
    const server = await hookServer(({ uid }) => {
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
      const response = { uid, allowed: false, status: { message: 'packed' } };
      const raw = gzipSync(JSON.stringify({ ...review, response }));
      return { raw, headers: { 'content-encoding': 'gzip' } };
    }, pair);
    const url = `https://127.0.0.1:${server.port}/`;
    const clientConfig = { url, caBundle: caBundle(credentials) };
    await configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig });
    for (const name of ['one', 'two']) {
      const answer = await send(test, 'POST', podsPath, podOf(name));
      expect(answer.json()['message']).toMatch(/denied the request: packed$/);
    }
    expect(test.events.filter(({ kind }) => kind === 'connection.reused')).toHaveLength(1);
  });

  it.each([
    ['SSH-2.0-x', 'malformed HTTP response "SSH-2.0-x"'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n', 'malformed MIME header: missing colon: "no colon"'],
  ])('must speak HTTP: %j', async (line, text) => {
    const pair = await credentials.ca.issue({ commonName: 'hook', usages: ['server'] });
    const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(`${line}\r\n`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const message = await failure({ clientConfig: { url, caBundle: caBundle(credentials) } });
    server.close();
    expect(message).toBe(
      `${called}failed to call webhook: Post "${url}?timeout=10s": net/http: HTTP/1.x transport connection broken: ${text}`,
    );
  });

  it('does not need the way into the cluster', async () => {
    const pair = await credentials.ca.issue({ commonName: 'hook', usages: ['server'] });
    const server = await hookServer(allow, pair);
    dial = () => Promise.reject(new TunnelError('NO_AGENT', 'No agent available'));
    const url = `https://127.0.0.1:${server.port}/check`;
    const clientConfig = { url: `${url}/`, caBundle: caBundle(credentials) };
    await configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig });
    expect((await send(test, 'POST', podsPath, podOf('asked'))).status).toBe(201);
    await server.close();
    const refused = await send(test, 'POST', podsPath, podOf('other'));
    expect(refused.json()['message']).toBe(
      `${called}failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:${server.port}: connect: connection refused`,
    );
  });
});

describe('a webhook with side effects', () => {
  it('fails dry runs without being called', async () => {
    test.store.put({
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' },
      metadata: { name: 'old', uid: 'u', creationTimestamp: '2024-01-01T00:00:00Z' },
      ...{
        webhooks: [
          {
            name: 'old.hook.example',
            sideEffects: 'Some',
            clientConfig: byService(),
            rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
          },
        ],
      },
    });
    const answer = await send(test, 'POST', `${podsPath}?dryRun=All`, podOf('asked'));
    expect(answer.json()).toMatchObject({
      code: 400,
      message: 'admission webhook "old.hook.example" does not support dry run',
    });
  });
});
