import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/apiserver/request/status.js';
import { decodeKubernetesProtobuf } from '../../../src/apiserver/schema/kubernetes-protobuf.js';
import { once, soon } from '../../support/waits.js';
import { call, makeCredentials, requestOptions, startTestApi, type TestApi } from './fixture.js';
import { applyPatch, jsonPatch, mergePatch, type Sent, send, strategicPatch } from './send-body.js';

const maps = '/api/v1/namespaces/default/configmaps';
const secrets = '/api/v1/namespaces/default/secrets';
const pods = '/api/v1/namespaces/default/pods';
const asJson: Sent = { type: 'application/json' };
const asYaml: Sent = { type: 'application/yaml' };
const slowTest = 60_000;

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials());
});
afterAll(() => test.close());

const keys = (count: number, value = '1'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, value]));

const configMap = (name: string, data: object): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

const tooMany = {
  code: 413,
  reason: 'RequestEntityTooLarge',
  message: expect.stringContaining('it has more than 50000 values') as string,
};

describe('a body with too many values is refused with 413', () => {
  const many = configMap('many', keys(60_000));
  const list = [...Array.from({ length: 60_000 }).keys()];
  it.each<[string, string, string, object | string, Sent]>([
    ['JSON', 'POST', maps, many, asJson],
    ['JSON of lists', 'POST', maps, `[${'[],'.repeat(60_000)}[]]`, asJson],
    ['short YAML', 'POST', maps, `[${'1,'.repeat(60_000)}1]`, asYaml],
    ['long YAML', 'POST', maps, `${Object.keys(keys(60_000)).join(': 1\n')}: 1\n`, asYaml],
    ['a merge patch', 'PATCH', `${maps}/a`, many, mergePatch],
    ['a strategic patch', 'PATCH', `${maps}/a`, many, strategicPatch],
    ['a JSON patch', 'PATCH', `${maps}/a`, list, jsonPatch],
    ['an apply', 'PATCH', `${maps}/a?fieldManager=me`, many, applyPatch],
  ])('as %s', async (...[, method, path, body, sent]) => {
    expect(
      (await send(test, method, path, body, sent)).json<Status & Record<string, unknown>>(),
    ).toMatchObject(tooMany);
  });

  it('as protobuf', () => {
    const data = Buffer.from('\x12\0'.repeat(120_000));
    const head = Buffer.from('k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12');
    const length = [data.length, data.length >> 7, data.length >> 14].map((part) => (part & 127) | 128);
    const body = Buffer.concat([head, Buffer.from([...length, 0]), data]);
    expect(() => decodeKubernetesProtobuf(body)).toThrow('more than 50000 values');
  });

  it('and so is a patch that makes an object too large, which stays unchanged', async () => {
    await send(test, 'POST', maps, configMap('grows', keys(10_000)));
    const more = Object.fromEntries(Array.from({ length: 45_000 }, (_, index) => [`x${index}`, '1']));
    const answer = await send(test, 'PATCH', `${maps}/grows`, { data: more }, mergePatch);
    expect(answer.json()).toMatchObject(tooMany);
    expect((await call(test, `${maps}/grows`)).json()).toMatchObject({ data: keys(10_000) });
  });

  it('and too many copies in one patch with 422', async () => {
    await send(test, 'POST', maps, configMap('copied', keys(1000)));
    const copies = Array.from({ length: 250 }, (_, index) => ({
      ...{ op: 'copy', from: '/data', path: `/x${index}` },
    }));
    expect((await send(test, 'PATCH', `${maps}/copied`, copies, jsonPatch)).status).toBe(422);
  });

  it('but texts with as many commas and brackets are accepted', async () => {
    const answer = await send(test, 'POST', maps, configMap('text', { a: ',[{"\\'.repeat(60_000) }));
    expect(answer.status).toBe(201);
  });
});

describe('an object that is too large is refused', () => {
  const mebibyte = 1024 * 1024;
  const refusal = async (path: string, body: object): Promise<object> =>
    (await send(test, 'POST', path, body)).json();

  it('by etcd for all its fields together', async () => {
    const container = { name: 'a', image: 'b', args: ['x'.repeat(1.6 * mebibyte)] };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'large' },
      spec: { containers: [container] },
    };
    const answer = await refusal(pods, pod);
    expect(answer).toMatchObject({ code: 500, message: 'etcdserver: request is too large' });
    expect(answer).not.toHaveProperty('reason');
    expect((await call(test, `${pods}/large`)).status).toBe(404);
    expect((await send(test, 'POST', `${pods}?dryRun=All`, pod)).status).toBe(201);
  });

  it('as a ConfigMap of more than 1 MiB', async () => {
    const full = configMap('full', { a: 'x'.repeat(mebibyte - 2), b: '\u00e9' });
    expect((await send(test, 'POST', maps, full)).status).toBe(201);
    const more = { ...configMap('more', { a: 'x'.repeat(mebibyte) }), binaryData: { b: 'AA==' } };
    expect(await refusal(maps, more)).toMatchObject({
      code: 422,
      message: 'ConfigMap "more" is invalid: []: Too long: may not be more than 1048576 bytes',
    });
  });

  it('as a Secret of more than 1 MiB after base64 decoding', async () => {
    const secret = (name: string, bytes: number): object => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name } },
      data: { a: Buffer.alloc(bytes).toString('base64') },
    });
    // Base64 in etcd's protobuf is as long as its bytes; here it is a third longer.
    expect((await send(test, 'POST', secrets, secret('full', mebibyte))).status).toBe(201);
    expect(await refusal(secrets, secret('more', mebibyte + 1))).toMatchObject({
      code: 422,
      message: 'Secret "more" is invalid: data: Too long: may not be more than 1048576 bytes',
    });
  });

  it('with annotations of more than 256 KiB', async () => {
    const metadata = { name: 'noted', annotations: { a: 'x'.repeat(256 * 1024) } };
    expect(await refusal(maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })).toMatchObject({
      code: 422,
      message:
        'ConfigMap "noted" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    });
  });
});

it('lists a hundred errors of an object, and counts the rest', async () => {
  const metadata = { name: 'wrong', labels: keys(1000, '!') };
  const answer = await send(test, 'POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
  const { message, details } = answer.json<Status & Record<string, unknown>>();
  expect(details?.causes).toHaveLength(100);
  expect(message).toMatch(/, and 900 more\]$/);
});

describe('other requests are answered while a long body is processed', () => {
  const large = configMap('large', keys(20_000));
  const path = `${maps}/large`;

  /** What is answered first: the request, or one to `/healthz` that was sent right after its last byte. */
  async function first(method: string, target: string, body: string, type: string): Promise<string> {
    const agent = new Agent({ keepAlive: true });
    const health = (): Promise<unknown[]> => {
      const request = httpsRequest({ ...requestOptions(test, '/healthz', {}), agent });
      request.end();
      return once(request, 'response');
    };
    try {
      const [opened] = (await health()) as [IncomingMessage];
      await opened.toArray();
      const headers = { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
      const request = httpsRequest(requestOptions(test, target, { method, headers }));
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      await soon<unknown>((resolve) => request.write(body.slice(0, -1), resolve), 'end of the write');
      request.end(body.slice(-1));
      const winner = await Promise.race([answered.then(() => method), health().then(() => 'healthz')]);
      const [response] = await answered;
      await response.toArray();
      expect(response.statusCode).toBeLessThan(300);
      return winner;
    } finally {
      agent.destroy();
    }
  }

  it.each<[string, string, object, Sent]>([
    ['POST', maps, large, asJson],
    ['PUT', path, configMap('large', keys(20_000, '2')), asJson],
    ['PATCH', path, { data: { more: '1' } }, mergePatch],
    ['PATCH', path, { data: { more: '2' } }, strategicPatch],
    ['PATCH', path, [{ op: 'add', path: '/data/more', value: '3' }], jsonPatch],
    ['PATCH', `${path}?fieldManager=me&force=true`, large, applyPatch],
  ])(
    '%s %s',
    async (method, target, body, { type = '' }) => {
      expect(await first(method, target, JSON.stringify(body), type)).toBe('healthz');
    },
    slowTest,
  );
});
