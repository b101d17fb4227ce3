import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderKubeconfig } from '../../../src/apiserver/kubeconfig.js';
import { createInFlightGate } from '../../../src/apiserver/serving/max-in-flight.js';
import { createKubectl, findKubectls } from '../../support/kubectl.js';
import { once } from '../../support/waits.js';
import {
  type Credentials,
  call,
  makeCredentials,
  open,
  requestOptions,
  startTestApi,
  type TestApi,
} from './fixture.js';
import { send } from './send-body.js';

const bob = { name: 'bob', groups: [] };
const read = { isLong: false, isMutating: false };
const write = { isLong: false, isMutating: true };

describe('the gate of requests in flight', () => {
  it('admits as many as the limits allow, separately for reads and writes', () => {
    const enter = createInFlightGate({ maxRequestsInflight: 2, maxMutatingRequestsInflight: 1 });
    const leave = enter(read, bob);
    enter(read, bob);
    enter(write, bob);
    expect(() => enter(read, bob)).toThrow('Too many requests, please try again later.');
    expect(() => enter(write, bob)).toThrow('Too many requests, please try again later.');
    leave();
    enter(read, bob);
    expect(() => enter(read, bob)).toThrow('Too many requests');
  });

  it('does not count long requests, and always admits administrators', () => {
    const enter = createInFlightGate({ maxRequestsInflight: 1 });
    for (let count = 0; count < 3; count++) enter({ ...read, isLong: true }, bob);
    enter(read, bob);
    const leave = enter(read, { name: 'admin', groups: ['system:masters'] });
    leave();
    // They were not counted, so their end makes no room.
    expect(() => enter(read, bob)).toThrow('Too many requests');
  });

  it('has the limits of kube-apiserver, and no limit for 0', () => {
    const enter = createInFlightGate({ maxMutatingRequestsInflight: 0 });
    for (let count = 0; count < 400; count++) enter(read, bob);
    for (let count = 0; count < 500; count++) enter(write, bob);
    expect(() => enter(read, bob)).toThrow('Too many requests');
  });
});

const path = '/api/v1/namespaces/default/configmaps';
const asBob = { credential: 'none', headers: { authorization: 'Bearer sesame' } } as const;

describe('an API with a limit', () => {
  let credentials: Credentials;
  let test: TestApi;
  let held: ClientRequest;
  beforeAll(async () => {
    credentials = await makeCredentials();
  });
  beforeEach(async () => {
    test = await startTestApi(credentials, {
      ...{ authorization: 'AlwaysAllow', inFlight: { maxMutatingRequestsInflight: 1 } },
      tokens: [{ token: 'sesame', user: 'bob' }],
    });
    held = await holdOne();
  });
  afterEach(async () => {
    held.destroy();
    await test.close();
  });

  /** A write whose body has not arrived. */
  async function holdOne(): Promise<ClientRequest> {
    const options = requestOptions(test, path, { ...asBob, method: 'POST' });
    const request = httpsRequest({
      ...options,
      headers: { ...asBob.headers, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    request.on('error', () => undefined);
    request.write('{"metadata":');
    await expect.poll(() => test.events.some(({ kind }) => kind === 'request.started')).toBe(true);
    return request;
  }

  async function release(): Promise<void> {
    held.end('{"name":"held"}}');
    const [response] = (await once(held, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(201);
    response.resume();
  }

  it('refuses others with Retry-After 1 s, in plain text, until there is room', async () => {
    const refused = await send(test, 'POST', path, { metadata: { name: 'early' } }, asBob);
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({
      'retry-after': '1',
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(refused.text).toBe('Too many requests, please try again later.\n');
    await release();
    expect((await send(test, 'POST', path, { metadata: { name: 'late' } }, asBob)).status).toBe(201);
  });

  it('still reads, watches, and serves administrators', async () => {
    expect((await call(test, path, asBob)).status).toBe(200);
    const watch = await open(test, `${path}?watch=true`, asBob);
    expect(watch.statusCode).toBe(200);
    watch.destroy();
    expect((await send(test, 'POST', path, { metadata: { name: 'urgent' } })).status).toBe(201);
  });

  it('answers 401 to clients without authentication', async () => {
    const stranger = { credential: 'none', headers: { authorization: 'Bearer wrong' } } as const;
    expect((await send(test, 'POST', path, {}, stranger)).status).toBe(401);
  });

  const newest = findKubectls().at(-1);
  it.skipIf(newest === undefined)('makes kubectl try again', async () => {
    if (newest === undefined) return;
    const kubeconfig = renderKubeconfig({
      ...{ name: 'bob', server: test.api.url, caPem: credentials.ca.certPem },
      credential: { token: 'sesame' },
    });
    const kubectl = await createKubectl(newest, kubeconfig);
    try {
      const created = kubectl.start(['create', 'configmap', 'patient']);
      await expect
        .poll(() => test.events.some((event) => 'status' in event && event.status === 429))
        .toBe(true);
      await release();
      expect(await created.result).toMatchObject({ code: 0, stdout: 'configmap/patient created\n' });
    } finally {
      await kubectl.close();
    }
  });
});
