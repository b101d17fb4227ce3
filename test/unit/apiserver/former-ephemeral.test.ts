import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { pod } from './objects.js';
import { send, strategicPatch } from './send-body.js';

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials(), {
    version: '1.21.14',
    objects: { pods: [pod({ name: 'a' })] },
  });
});
afterAll(() => test.close());

interface Part {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly ephemeralContainers: readonly { readonly name: string }[];
}

const path = '/api/v1/namespaces/default/pods/a/ephemeralcontainers';
const get = async (): Promise<Part> => (await call(test, path)).json<Part>();
const helper = (name: string): object => ({ name, image: 'konnsim/shell', targetContainerName: 'main' });

describe('ephemeral containers before Kubernetes 1.22', () => {
  it('are a separate object, as discovery says', async () => {
    expect(await get()).toMatchObject({
      ...{ kind: 'EphemeralContainers', apiVersion: 'v1', metadata: { name: 'a' } },
      ephemeralContainers: [],
    });
    const { resources } = (await call(test, '/api/v1')).json<{
      resources: { name: string; kind: string }[];
    }>();
    expect(resources.find(({ name }) => name === 'pods/ephemeralcontainers')?.kind).toBe(
      'EphemeralContainers',
    );
  });

  it('are added by PUT and by PATCH, and are the pod’s', async () => {
    const added = await send(test, 'PUT', path, { ...(await get()), ephemeralContainers: [helper('one')] });
    expect(added.json<Part>()).toMatchObject({
      kind: 'EphemeralContainers',
      ephemeralContainers: [{ ...helper('one'), terminationMessagePolicy: 'File' }],
    });
    await send(test, 'PATCH', path, { ephemeralContainers: [helper('two')] }, strategicPatch);
    expect((await get()).ephemeralContainers.map(({ name }) => name).sort()).toEqual(['one', 'two']);
    expect((await call(test, '/api/v1/namespaces/default/pods/a')).json()).toMatchObject({
      kind: 'Pod',
      spec: {
        containers: [{ name: 'main' }],
        ephemeralContainers: expect.arrayContaining(
          [helper('one')].map((each) => expect.objectContaining(each)),
        ),
      },
    });
  });

  it('cannot be removed, and are written to the version that was read', async () => {
    const read = await get();
    const gone = await send(test, 'PUT', path, { ...read, ephemeralContainers: [] });
    expect(gone.json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('existing ephemeral containers "one" may not be removed'),
    });
    const stale = { ...read, metadata: { ...read.metadata, resourceVersion: '1' } };
    expect((await send(test, 'PUT', path, stale)).json()).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('cannot be written as a pod, read from a missing pod, or deleted', async () => {
    const asPod = await send(test, 'PUT', path, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } });
    expect(asPod.json()).toMatchObject({
      code: 400,
      message: expect.stringContaining('Pod in version "v1" cannot be handled as a EphemeralContainers'),
    });
    expect((await call(test, path.replace('/a/', '/zap/'))).json()).toMatchObject({
      message: 'pods "zap" not found',
    });
    expect((await call(test, path, { method: 'DELETE' })).json()).toMatchObject({ code: 405 });
  });
});
