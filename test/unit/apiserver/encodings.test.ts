import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyStrategicMergePatch } from '../../../src/apiserver/patch/strategic-merge.js';
import { decodeKubernetesProtobuf } from '../../../src/apiserver/schema/kubernetes-protobuf.js';
import { findMessage, messageNames, messageOfField } from '../../../src/apiserver/schema/message-table.js';
import { call, makeCredentials, open, startTestApi, type TestApi } from './fixture.js';

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials());
});
afterAll(() => test.close());

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7]);
}

/** A length-delimited field. */
function part(field: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function envelope(apiVersion: string, kind: string, object: Buffer): Buffer {
  const types = Buffer.concat([part(1, apiVersion), part(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), part(1, types), part(2, object)]);
}

describe('the table of types', () => {
  it('contains every type that a field refers to', () => {
    const unknown = messageNames().flatMap((name) =>
      [...(findMessage(name)?.byName.values() ?? [])]
        .filter((field) => typeof field.type === 'object' && messageOfField(field) === undefined)
        .map((field) => `${name}.${field.name}`),
    );
    expect(unknown).toEqual([]);
    expect(messageNames().length).toBeGreaterThan(200);
  });

  it('has the fields of embedded types among the others', () => {
    expect(findMessage('Volume')?.byName.has('emptyDir')).toBe(true);
    expect(findMessage('EphemeralContainer')?.byName.get('targetContainerName')).toBeDefined();
    expect(findMessage('EphemeralContainer')?.byName.has('image')).toBe(true);
  });
});

describe('a Kubernetes protobuf body', () => {
  it('is decoded to the same object as JSON', () => {
    const meta = Buffer.concat([
      part(1, 'web'),
      part(5, ''),
      part(8, ''),
      part(11, Buffer.concat([part(1, 'app'), part(2, 'web')])),
    ]);
    const probe = Buffer.concat([
      part(
        1,
        part(
          2,
          Buffer.concat([
            part(1, '/'),
            part(2, Buffer.concat([number(1, 1), number(2, 0), part(3, 'http')])),
          ]),
        ),
      ),
      number(2, 5),
    ]);
    const port = Buffer.concat([part(1, 'http'), number(2, 0), number(3, 80)]);
    const limits = Buffer.concat([part(1, 'cpu'), part(2, part(1, '500m'))]);
    const container = Buffer.concat([
      part(1, 'main'),
      part(2, 'i:1'),
      part(6, port),
      part(8, part(1, limits)),
      part(10, probe),
      number(16, 1),
    ]);
    const volume = Buffer.concat([part(1, 'v'), part(2, part(2, ''))]);
    const spec = Buffer.concat([part(1, volume), part(2, container), number(4, 0), number(11, 0)]);
    const decoded = decodeKubernetesProtobuf(
      envelope('v1', 'Pod', Buffer.concat([part(1, meta), part(2, spec)])),
    );
    expect(decoded).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [
          {
            name: 'main',
            image: 'i:1',
            ports: [{ name: 'http', containerPort: 80 }],
            resources: { limits: { cpu: '500m' } },
            livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 5 },
            stdin: true,
          },
        ],
        terminationGracePeriodSeconds: 0,
      },
    });
  });

  it('that is invalid, or ends too early, is a bad request', async () => {
    const whole = envelope('v1', 'ConfigMap', part(1, part(1, 'x')));
    for (const body of [
      Buffer.from('{"a":1}'),
      whole.subarray(0, -2),
      envelope('v1', 'Zap', Buffer.alloc(0)),
    ]) {
      const answer = await call(test, '/api/v1/namespaces/default/configmaps', {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
        body: body.toString('latin1'),
      });
      expect(answer.json()).toMatchObject({ code: 400, reason: 'BadRequest' });
    }
  });
});

describe('OpenAPI', () => {
  it('v3 names a document for each group version, with schemas and the fieldValidation parameter', async () => {
    const { paths } = (await call(test, '/openapi/v3')).json<{
      paths: Record<string, { serverRelativeURL: string }>;
    }>();
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1']));
    const document = (await call(test, paths['apis/apps/v1']?.serverRelativeURL ?? '')).json();
    expect(document).toMatchObject({
      paths: {
        '/apis/apps/v1/namespaces/{namespace}/deployments/{name}': {
          patch: {
            'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
            parameters: expect.arrayContaining([
              expect.objectContaining({ name: 'fieldValidation', in: 'query' }),
            ]),
          },
        },
      },
      components: { schemas: { 'io.k8s.api.v1.Container': { properties: { image: { type: 'string' } } } } },
    });
    expect((await call(test, '/openapi/v3/apis/zap/v1')).status).toBe(404);
  });

  it('v2 is sent as protobuf to clients that ask for it, and as JSON to others', async () => {
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const response = await open(test, '/openapi/v2', { accept });
    const bytes = Buffer.concat((await response.toArray()) as Buffer[]);
    expect(response.headers['content-type']).toBe(
      'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    );
    expect(bytes.subarray(0, 5)).toEqual(part(1, '2.0'));
    const { definitions } = (await call(test, '/openapi/v2')).json<{
      definitions: Record<string, { properties: object }>;
    }>();
    expect(definitions['io.k8s.api.v1.PodSpec']?.properties).toMatchObject({
      containers: { 'x-kubernetes-patch-merge-key': 'name', 'x-kubernetes-patch-strategy': 'merge' },
    });
    for (const name of Object.keys(definitions)) expect(bytes.includes(name)).toBe(true);
  });

  it('v2 says in both forms that a patch supports dry runs', async () => {
    const path = '/api/v1/namespaces/{namespace}/configmaps/{name}';
    const { paths } = (await call(test, '/openapi/v2')).json<{ paths: Record<string, object> }>();
    expect(paths[path]).toMatchObject({
      patch: {
        'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'ConfigMap' },
        parameters: expect.arrayContaining([expect.objectContaining({ name: 'dryRun', in: 'query' })]),
      },
    });
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const response = await open(test, '/openapi/v2', { accept });
    const bytes = Buffer.concat((await response.toArray()) as Buffer[]);
    // Query {2 in, 4 name} in all the wrappers around it.
    expect(bytes.includes(Buffer.concat([part(1, path), Buffer.from([0x12])]))).toBe(true);
    expect(bytes.includes(Buffer.concat([part(2, 'query'), part(4, 'dryRun')]))).toBe(true);
  });
});

describe('a strategic merge patch', () => {
  const target = {
    spec: { containers: [{ name: 'a', args: ['x'] }], nodeSelector: { a: '1', b: '2' } },
    metadata: { finalizers: ['f', 'g'] },
  };
  const patched = (patch: object) =>
    applyStrategicMergePatch('Pod', structuredClone(target), patch as Record<string, unknown>);

  it('replaces as a directive says, and deletes from lists of texts', () => {
    expect(patched({ spec: { nodeSelector: { $patch: 'replace', c: '3' } } }).spec).toMatchObject({
      nodeSelector: { c: '3' },
    });
    expect(patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['f'] } }).metadata).toEqual({
      finalizers: ['g'],
    });
    expect(patched({ metadata: { finalizers: ['h'] } }).metadata).toEqual({ finalizers: ['f', 'g', 'h'] });
    expect(patched({ spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } }).spec).toMatchObject({
      containers: [{ name: 'z' }],
    });
    expect(patched({ spec: { $retainKeys: ['containers'] } }).spec).toEqual({
      containers: target.spec.containers,
    });
  });

  it('replaces lists without a merge key', () => {
    expect(patched({ spec: { containers: [{ name: 'a', args: ['y', 'z'] }] } }).spec).toMatchObject({
      containers: [{ name: 'a', args: ['y', 'z'] }],
    });
  });

  it('without the merge key, or with an unknown directive, is refused', () => {
    expect(() => patched({ spec: { containers: [{ image: 'x' }] } })).toThrow(
      'does not contain declared merge key: name',
    );
    expect(() => patched({ spec: { $patch: 'zap' } })).toThrow('unknown patch directive');
  });
});
