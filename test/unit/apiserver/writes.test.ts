import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { node, pod } from './objects.js';
import { applyPatch, jsonPatch, mergePatch, send, strategicPatch } from './send-body.js';

interface Stored {
  readonly metadata: Record<string, unknown> & { readonly resourceVersion: string };
  readonly spec: Record<string, unknown>;
  readonly data: Record<string, string>;
}

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const configMap = (name: string, data: Record<string, string> = { a: '1' }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const newPod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'web:1' }] },
});

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials(), {
    objects: { nodes: [node('node-1')], pods: [pod({ name: 'seeded' })] },
  });
});
afterAll(() => test.close());

describe('creating', () => {
  it('generates a name, and gives IDs, times and owners of fields', async () => {
    const body = { ...configMap(''), metadata: { generateName: 'conf-' } };
    const answer = await send(test, 'POST', `${maps}?fieldManager=me`, body);
    expect(answer.status).toBe(201);
    expect(answer.json<Stored>().metadata).toMatchObject({
      name: expect.stringMatching(/^conf-[bcdfghjklmnpqrstvwxz2456789]{5}$/),
      creationTimestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      managedFields: [
        {
          manager: 'me',
          operation: 'Update',
          apiVersion: 'v1',
          fieldsV1: { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:generateName': {} } },
        },
      ],
    });
  });

  it('of a pod sets the defaults of every cluster', async () => {
    const created = (await send(test, 'POST', pods, newPod('defaults'))).json<Stored & { status: unknown }>();
    expect(created.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      serviceAccountName: 'default',
      terminationGracePeriodSeconds: 30,
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
        {
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
      ],
      containers: [{ imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log' }],
    });
    expect(created.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('with dryRun=All stores nothing', async () => {
    expect((await send(test, 'POST', `${maps}?dryRun=All`, configMap('dry'))).status).toBe(201);
    expect((await send(test, 'GET', `${maps}/dry`)).status).toBe(404);
  });

  it('reads YAML, and refuses what it cannot read with 415', async () => {
    const yaml = 'metadata: {name: from-yaml}\ndata: {a: "1"}\n';
    expect((await send(test, 'POST', maps, yaml, { type: 'application/yaml' })).status).toBe(201);
    expect((await send(test, 'POST', maps, '<a/>', { type: 'application/xml' })).json()).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  });

  it.each([
    ['not JSON', '{', 400, /json parse error/],
    ['a wrong kind', { ...newPod('x') }, 400, 'Pod in version "v1" cannot be handled as a ConfigMap'],
    [
      'a list where text belongs',
      { ...configMap('x'), data: { a: [] } },
      400,
      'cannot unmarshal array into Go struct field ConfigMap.data.a of type string',
    ],
    [
      'another namespace',
      { ...configMap('x'), metadata: { name: 'x', namespace: 'y' } },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'a resource version',
      { ...configMap('x'), metadata: { name: 'x', resourceVersion: '1' } },
      400,
      'resourceVersion should not be set on objects to be created',
    ],
    [
      'no name',
      configMap(''),
      422,
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      'a bad label',
      { ...configMap('x'), metadata: { name: 'x', labels: { a: 'b c' } } },
      422,
      /metadata.labels: Invalid value: "b c"/,
    ],
  ])('is refused with %s', async (_name, body, code, message) => {
    const answer = (await send(test, 'POST', maps, body)).json<{ code: number; message: string }>();
    expect(answer.code).toBe(code);
    expect(answer.message).toEqual(
      message instanceof RegExp ? expect.stringMatching(message) : expect.stringContaining(message),
    );
  });

  it('of a pod without an image lists every cause', async () => {
    const body = { ...newPod('x'), spec: { containers: [{ name: 'A' }], restartPolicy: 'Sometimes' } };
    expect((await send(test, 'POST', pods, body)).json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: {
        kind: 'Pod',
        name: 'x',
        causes: [
          { reason: 'FieldValueInvalid', field: 'spec.containers[0].name' },
          { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].image' },
          {
            reason: 'FieldValueNotSupported',
            message: 'Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
            field: 'spec.restartPolicy',
          },
        ],
      },
    });
  });

  it('treats unknown fields as fieldValidation says', async () => {
    const body = { ...newPod('typo'), spec: { containers: [{ name: 'a', image: 'b', imagee: 'c' }] } };
    const strict = await send(test, 'POST', `${pods}?fieldValidation=Strict`, body);
    expect(strict.json()).toMatchObject({
      code: 400,
      message:
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagee"',
    });
    const warned = await send(test, 'POST', `${pods}?dryRun=All`, body);
    expect(warned.headers['warning']).toBe('299 - "unknown field \\"spec.containers[0].imagee\\""');
    const ignored = await send(test, 'POST', `${pods}?dryRun=All&fieldValidation=Ignore`, body);
    expect(ignored.headers['warning']).toBeUndefined();
  });
});

describe('patching', () => {
  it('with a strategic merge merges lists by their keys', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            containers: [
              { name: 'a', image: 'a:1' },
              { name: 'b', image: 'b:1' },
            ],
          },
        },
      },
    };
    const path = '/apis/apps/v1/namespaces/default/deployments';
    expect((await send(test, 'POST', path, deployment)).json<Stored>().metadata['generation']).toBe(1);
    const patch = {
      spec: {
        template: {
          spec: {
            $setElementOrder: undefined,
            '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }],
            containers: [
              { name: 'b', image: 'b:2' },
              { name: 'c', image: 'c:1' },
              { name: 'a', $patch: 'delete' },
            ],
          },
        },
      },
    };
    const patched = (await send(test, 'PATCH', `${path}/web`, patch, strategicPatch)).json<Stored>();
    expect(patched.metadata['generation']).toBe(2);
    const { containers } = (patched.spec as { template: { spec: { containers: object[] } } }).template.spec;
    expect(containers).toMatchObject([
      { name: 'c', image: 'c:1' },
      { name: 'b', image: 'b:2' },
    ]);
  });

  it('with a JSON patch changes, tests and fails as a whole', async () => {
    await send(test, 'POST', maps, configMap('jp', { a: '1', b: '2' }));
    const good = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'remove', path: '/data/b' },
    ];
    expect((await send(test, 'PATCH', `${maps}/jp`, good, jsonPatch)).json<Stored>().data).toEqual({
      a: '9',
    });
    const stale = await send(test, 'PATCH', `${maps}/jp`, good, jsonPatch);
    expect(stale.json()['details']).toEqual({});
    expect(stale.json()).toMatchObject({
      code: 422,
      message: 'the server rejected our request due to an error in our request',
    });
    expect((await send(test, 'GET', `${maps}/jp`)).json<Stored>().data).toEqual({ a: '9' });
  });

  it('with a stale resource version conflicts, and without one succeeds', async () => {
    const { metadata } = (await send(test, 'POST', maps, configMap('rv'))).json<Stored>();
    const change = (data: object, resourceVersion?: string) =>
      send(test, 'PATCH', `${maps}/rv`, { data, metadata: { resourceVersion } }, mergePatch);
    expect((await change({ a: '2' }, metadata.resourceVersion)).status).toBe(200);
    expect((await change({ a: '3' }, metadata.resourceVersion)).status).toBe(409);
    expect((await change({ a: null, b: '4' })).json<Stored>().data).toEqual({ b: '4' });
  });

  it('that changes nothing keeps the resource version', async () => {
    const { metadata } = (await send(test, 'POST', maps, configMap('noop'))).json<Stored>();
    const again = await send(test, 'PATCH', `${maps}/noop`, { data: { a: '1' } }, mergePatch);
    expect(again.json<Stored>().metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it('may change only the image of a container in a pod', async () => {
    const image = { spec: { containers: [{ name: 'main', image: 'main:2' }] } };
    expect((await send(test, 'PATCH', `${pods}/seeded`, image, strategicPatch)).status).toBe(200);
    const answer = await send(
      test,
      'PATCH',
      `${pods}/seeded`,
      { spec: { hostNetwork: true } },
      strategicPatch,
    );
    expect(answer.json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('spec: Forbidden: pod updates may not change fields other than'),
    });
  });

  it('in an unknown form is answered with 415', async () => {
    expect((await send(test, 'PATCH', `${maps}/noop`, {}, { type: 'application/json' })).status).toBe(415);
  });
});

describe('server-side apply', () => {
  const apply = (name: string, data: Record<string, string>, query: string) =>
    send(test, 'PATCH', `${maps}/${name}?${query}`, configMap(name, data), applyPatch);

  it('creates, removes what is no longer applied, and keeps what others own', async () => {
    expect((await apply('ssa', { a: '1', b: '1' }, 'fieldManager=one')).status).toBe(201);
    await apply('ssa', { c: '1' }, 'fieldManager=two');
    const answer = await apply('ssa', { b: '1' }, 'fieldManager=one');
    expect(answer.status).toBe(200);
    expect(answer.json<Stored>().data).toEqual({ b: '1', c: '1' });
  });

  it('conflicts with other values of others, unless forced', async () => {
    await send(test, 'POST', `${maps}?fieldManager=hand`, configMap('fight'));
    const refused = await apply('fight', { a: '2' }, 'fieldManager=one');
    expect(refused.json()).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.a',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "hand" using v1', field: '.data.a' },
        ],
      },
    });
    const forced = (await apply('fight', { a: '2' }, 'fieldManager=one&force=true')).json<Stored>();
    expect(forced.data).toEqual({ a: '2' });
    const managers = forced.metadata['managedFields'] as { manager: string; fieldsV1: object }[];
    expect(managers.find(({ manager }) => manager === 'one')?.fieldsV1).toEqual({
      'f:data': { '.': {}, 'f:a': {} },
    });
    expect(JSON.stringify(managers.find(({ manager }) => manager === 'hand'))).not.toContain('f:a');
  });

  it('needs a manager', async () => {
    expect((await apply('ssa', {}, '')).json()).toMatchObject({
      code: 422,
      message:
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
  });
});

describe('deleting', () => {
  it('checks preconditions', async () => {
    await send(test, 'POST', maps, configMap('pre'));
    const answer = await send(test, 'DELETE', `${maps}/pre`, { preconditions: { uid: 'other' } });
    expect(answer.json()).toMatchObject({
      code: 409,
      message: expect.stringContaining(
        'Precondition failed: UID in precondition: other, UID in object meta: ',
      ),
    });
  });

  it('gives a running pod its grace period, and with force no grace period', async () => {
    const going = (await send(test, 'DELETE', `${pods}/seeded`, {})).json<Stored>();
    expect(going.metadata).toMatchObject({
      deletionGracePeriodSeconds: 30,
      deletionTimestamp: expect.any(String),
    });
    expect((await send(test, 'GET', `${pods}/seeded`)).status).toBe(200);
    await send(test, 'DELETE', `${pods}/seeded`, { gracePeriodSeconds: 0 });
    expect((await send(test, 'GET', `${pods}/seeded`)).status).toBe(404);
  });

  it('waits for finalizers', async () => {
    await send(test, 'POST', maps, {
      ...configMap('held'),
      metadata: { name: 'held', finalizers: ['a.b/c'] },
    });
    const marked = (await send(test, 'DELETE', `${maps}/held`)).json<Stored>();
    expect(marked.metadata['deletionTimestamp']).toBeDefined();
    await send(test, 'PATCH', `${maps}/held`, { metadata: { finalizers: null } }, mergePatch);
    expect((await send(test, 'GET', `${maps}/held`)).status).toBe(404);
  });

  it('of a collection deletes what the selector leaves', async () => {
    for (const name of ['one', 'two'])
      await send(test, 'POST', maps, { ...configMap(name), metadata: { name, labels: { bulk: name } } });
    await send(test, 'DELETE', `${maps}?labelSelector=bulk%3Done`);
    expect((await send(test, 'GET', `${maps}/one`)).status).toBe(404);
    expect((await send(test, 'GET', `${maps}/two`)).status).toBe(200);
  });

  it('of the default namespace is forbidden', async () => {
    expect((await send(test, 'DELETE', '/api/v1/namespaces/default')).json()).toMatchObject({
      code: 403,
      message: 'namespaces "default" is forbidden: this namespace may not be deleted',
    });
  });
});
