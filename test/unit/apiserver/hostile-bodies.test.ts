import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/apiserver/request/status.js';
import { maxDepth } from '../../../src/apiserver/resources/json-limits.js';
import { type Answer, call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { applyPatch, jsonPatch, mergePatch, type Sent, send, strategicPatch } from './send-body.js';

const maps = '/api/v1/namespaces/default/configmaps';
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const asYaml: Sent = { type: 'application/yaml' };
/** Far more than any of these bodies needs, and far less than they took while their cost was quadratic. */
const slowTest = 60_000;

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials());
});
afterAll(() => test.close());

const configMap = (name: string, data: unknown = { a: '1' }): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

async function make(name: string, data?: unknown): Promise<void> {
  expect((await send(test, 'POST', maps, configMap(name, data))).status).toBe(201);
}

const statusOf = (answer: Answer): Status => answer.json<Status & Record<string, unknown>>();
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('');

describe('YAML', () => {
  it(
    'of many keys is read in time that grows with its length alone',
    async () => {
      const body = lines(45_000, (index) => `key${index}: 1\n`);
      const answer = await send(test, 'POST', reviews, body, asYaml);
      expect(answer.status).toBe(422);
      expect((await call(test, '/healthz')).text).toBe('ok');
    },
    slowTest,
  );

  it.each([
    ['flow maps', '{a: '.repeat(20_000)],
    ['flow lists', '['.repeat(20_000)],
    ['lists', '- '.repeat(20_000)],
    ['keys that are maps', '? '.repeat(20_000)],
  ])('of deep %s is refused with 400', async (_name, body) => {
    const { code, message } = statusOf(await send(test, 'POST', maps, body, asYaml));
    expect(code).toBe(400);
    expect(message).toBe(`error decoding YAML: yaml: exceeded max depth of ${maxDepth}`);
  });

  it('whose aliases expand beyond the size of a body is refused', async () => {
    const levels = lines(30, (level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]\n`);
    const bomb = `a0: &a0 x\n${levels}`;
    const long = `a: &a ${'x'.repeat(100_000)}\nb: [${'*a, '.repeat(100)}]\n`;
    for (const body of [bomb, long])
      expect(statusOf(await send(test, 'POST', maps, body, asYaml))).toMatchObject({
        code: 400,
        message: 'error decoding YAML: yaml: document contains excessive aliasing',
      });
  });

  it('may use aliases and merge keys', async () => {
    const body = 'metadata: {name: alias}\ndata: {a: &v "1", b: *v, <<: {c: *v}}\n';
    const answer = await send(test, 'POST', maps, body, asYaml);
    expect(answer.json()).toMatchObject({ data: { a: '1', b: '1', c: '1' } });
  });

  it('with a repeated key, or not exactly one document, is refused', async () => {
    const twice = await send(test, 'POST', maps, 'data:\n  a: "1"\n  a: "2"\n', asYaml);
    expect(statusOf(twice).message).toBe(
      'error decoding YAML: yaml: unmarshal errors:\n  line 3: key "a" already set in map',
    );
    for (const body of ['a: 1\n---\nb: 2\n', '', 'text', '- a\n'])
      expect((await send(test, 'POST', maps, body, asYaml)).status).toBe(400);
  });
});

describe('JSON', () => {
  it.each([
    ['a body', 'POST', maps, {}, "couldn't get version/kind; json parse error: exceeded max depth"],
    ['a merge patch', 'PATCH', `${maps}/deep`, mergePatch, 'error decoding patch: exceeded max depth'],
    ['a JSON patch', 'PATCH', `${maps}/deep`, jsonPatch, 'error decoding patch: exceeded max depth'],
    [
      'a strategic patch',
      'PATCH',
      `${maps}/deep`,
      strategicPatch,
      'error decoding patch: exceeded max depth',
    ],
  ] as const)(
    'that is nested too deep in %s is refused with 400',
    async (...[, method, path, type, text]) => {
      const deep = `{"a":${nested(150_000)}}`;
      const body = type === jsonPatch ? `[${deep}]` : deep;
      expect(statusOf(await send(test, method, path, body, type))).toMatchObject({
        code: 400,
        message: text,
      });
    },
  );

  it('with very many unknown fields is refused with the first of them', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`x${index}`, 1]));
    const body = { ...configMap('unknown'), ...many };
    const { message } = statusOf(await send(test, 'POST', `${maps}?fieldValidation=Strict`, body));
    expect(message.split('unknown field')).toHaveLength(101);
    expect((await send(test, 'POST', maps, body)).headers['warning']?.length).toBeLessThan(10_000);
  });
});

describe('every key is kept', () => {
  const odd = '{"__proto__":"p","constructor":"c","toString":"t","prototype":"q"}';
  const expected = { constructor: 'c', toString: 't', prototype: 'q' };
  const check = async (name: string): Promise<void> => {
    const { data } = (await call(test, `${maps}/${name}`)).json<{ data: Record<string, string> }>();
    expect(data).toMatchObject(expected);
    expect(Object.getOwnPropertyDescriptor(data, '__proto__')?.value).toBe('p');
  };

  it.each(['application/json', 'application/yaml'])('by %s', async (type) => {
    const name = type.replace('/', '-');
    const body = `{"metadata":{"name":"${name}"},"data":${odd}}`;
    expect((await send(test, 'POST', maps, body, { type })).status).toBe(201);
    await check(name);
  });

  it.each([
    ['merge', mergePatch, `{"data":${odd}}`],
    ['strategic', strategicPatch, `{"data":${odd}}`],
    ['apply', applyPatch, `{"apiVersion":"v1","kind":"ConfigMap","data":${odd}}`],
    [
      'json',
      jsonPatch,
      `[${Object.entries({ ...expected, ['__proto__']: 'p' })
        .map(([key, value]) => `{"op":"add","path":"/data/${key}","value":"${value}"}`)
        .join()}]`,
    ],
  ])('by a %s patch', async (name, type, body) => {
    await make(`odd-${name}`);
    const path = `${maps}/odd-${name}?fieldManager=me`;
    expect((await send(test, 'PATCH', path, body, type)).status).toBe(200);
    await check(`odd-${name}`);
    expect((await send(test, 'PATCH', path, body, type)).status).toBe(200);
    await check(`odd-${name}`);
  });

  it('and owned fields with such names change no other object', async () => {
    await make('owned');
    const fieldsV1 = JSON.parse('{"__proto__":{"f:x":{}},"f:data":{"f:a":{}},"k:broken":{},"v:broken":{}}');
    const entry = { manager: 'm', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 };
    const body = { metadata: { managedFields: [entry] } };
    expect((await send(test, 'PATCH', `${maps}/owned`, body, mergePatch)).status).toBe(200);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect('f:x' in {} || '.' in {}).toBe(false);
    const config = { apiVersion: 'v1', kind: 'ConfigMap', data: { a: '2' } };
    const applied = await send(test, 'PATCH', `${maps}/owned?fieldManager=me`, config, applyPatch);
    expect(statusOf(applied).message).toBe('Apply failed with 1 conflict: conflict with "m": .data.a');
  });
});

describe('a JSON patch', () => {
  const value = { a: '1', b: '2' };
  const doubling = Array.from({ length: 29 }, (_, index) => ({
    ...{ op: 'copy', from: '/metadata', path: `/metadata/x${index}` },
  }));
  const deeper = (level: number): object => {
    const value = JSON.parse('{"a":'.repeat(400) + '1' + '}'.repeat(400)) as unknown;
    return { op: 'add', path: `/metadata/x${'/a'.repeat(400 * level)}`, value };
  };
  it.each<[string, object[]]>([
    ['copies without bound', doubling],
    ['nests deeper with each operation', [0, 1, 2].map(deeper)],
    ['removes what is behind the end', [{ op: 'remove', path: '/metadata/finalizers/-' }]],
    ['uses an index that is too large', [{ op: 'add', path: '/metadata/finalizers/4294967296', value: 'x' }]],
    ['uses an index that is no number', [{ op: 'add', path: '/metadata/finalizers/1e0', value: 'x' }]],
    ['moves a value into itself', [{ op: 'move', from: '/data', path: '/data/a/b' }]],
    ['tests what all objects inherit', [{ op: 'test', path: '/data/toString/name', value: 'toString' }]],
    ['copies what all objects inherit', [{ op: 'copy', from: '/data/constructor', path: '/data/c' }]],
    ['goes through a text', [{ op: 'add', path: '/data/a/b', value: 'x' }]],
    ['replaces the whole object', [{ op: 'replace', path: '', value: {} }]],
    ['has an unknown operation', [{ op: '__proto__', path: '/data/a', value: 'x' }]],
  ])('that %s is refused with 422', async (name, patch) => {
    const path = `${maps}/patched`;
    const body = { ...configMap('patched', value), metadata: { name: 'patched', finalizers: ['a/b'] } };
    await send(test, 'POST', maps, body);
    expect(statusOf(await send(test, 'PATCH', path, patch, jsonPatch)), name).toMatchObject({
      code: 422,
      message: 'the server rejected our request due to an error in our request',
    });
    expect((await call(test, path)).json()).toMatchObject({ data: value });
  });

  it('counts negative indexes from the end, as kube-apiserver does', async () => {
    const body = { ...configMap('negative'), metadata: { name: 'negative', finalizers: ['a/b', 'a/c'] } };
    await send(test, 'POST', maps, body);
    const patch = [{ op: 'replace', path: '/metadata/finalizers/-1', value: 'a/d' }];
    const { metadata } = (await send(test, 'PATCH', `${maps}/negative`, patch, jsonPatch)).json();
    expect(metadata).toMatchObject({ finalizers: ['a/b', 'a/d'] });
  });
});

describe('many items', () => {
  const count = 4000;
  it.each([
    ['strategic', strategicPatch],
    ['apply', applyPatch],
  ])(
    'of a keyed list cost no more than their number by a %s patch',
    async (name, type) => {
      const secrets = Array.from({ length: count }, (_, index) => ({ name: `s${index}` }));
      const path = `/api/v1/namespaces/default/serviceaccounts/${name}`;
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, secrets };
      await send(test, 'POST', '/api/v1/namespaces/default/serviceaccounts', account);
      const other = { ...account, secrets: secrets.map((each) => ({ name: `${each.name}x` })) };
      const query = '?fieldManager=me&force=true';
      const answer = await send(test, 'PATCH', `${path}${query}`, other, type);
      expect(answer.json<{ secrets: object[] }>().secrets).toHaveLength(2 * count);
      const less = await send(test, 'PATCH', `${path}${query}`, { ...account, secrets: [] }, type);
      expect(less.status).toBe(200);
    },
    slowTest,
  );
});
