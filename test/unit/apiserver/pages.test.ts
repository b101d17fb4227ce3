import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/apiserver/request/status.js';
import type { ListMeta } from '../../../src/apiserver/routes/list-page.js';
import {
  type Credentials,
  call,
  makeCredentials,
  startTestApi,
  type TestApi,
  tableAccept,
} from './fixture.js';
import { node, pod } from './objects.js';

let credentials: Credentials;
let test: TestApi;
beforeAll(async () => {
  credentials = await makeCredentials();
});
beforeEach(async () => {
  const labels = { app: 'web' };
  test = await startTestApi(credentials, {
    objects: {
      pods: [
        ...['e', 'd', 'c', 'b', 'a'].map((name) => pod({ name, ...(name < 'd' ? { labels } : {}) })),
        ...['x', 'y'].map((name) => pod({ name, namespace: 'default-2' })),
      ],
      nodes: [node('node-1'), node('node-2')],
    },
  });
});
afterEach(() => test.close());

const pods = '/api/v1/namespaces/default/pods';

interface Page {
  readonly metadata: ListMeta;
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

async function page(path: string): Promise<Page> {
  return (await call(test, path)).json<Page>();
}

const names = ({ items }: Page): string => items.map(({ metadata }) => metadata.name).join(' ');

/** All pages of a list, as a client gathers them. */
async function pages(path: string): Promise<readonly Page[]> {
  const found: Page[] = [];
  for (let token: string | undefined = ''; token !== undefined; token = found.at(-1)?.metadata.continue)
    found.push(await page(`${path}${token === '' ? '' : `&continue=${token}`}`));
  return found;
}

async function refusal(path: string): Promise<Status> {
  const answer = await call(test, path);
  const status = answer.json<Status & Record<string, unknown>>();
  expect(answer.status).toBe(status.code);
  return status;
}

const token = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');

describe('a list with a limit', () => {
  it('is sent in pages that tell how many objects are left', async () => {
    const found = await pages(`${pods}?limit=2`);
    expect(found.map(names)).toEqual(['a b', 'c d', 'e']);
    expect(found.map(({ metadata }) => metadata.remainingItemCount)).toEqual([3, 1, undefined]);
    expect(new Set(found.map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);
  });

  it('has no further page when the last object fits', async () => {
    const { metadata } = await page(`${pods}?limit=5`);
    expect(metadata).toEqual({ resourceVersion: String(test.store.revision) });
  });

  it('works over all namespaces, and for objects without a namespace', async () => {
    expect((await pages('/api/v1/pods?limit=3')).map(names)).toEqual(['x y a', 'b c d', 'e']);
    expect((await pages('/api/v1/nodes?limit=1')).map(names)).toEqual(['node-1', 'node-2']);
  });

  it('does not count the rest of a selection, whose last page may be empty', async () => {
    const found = await pages(`${pods}?limit=3&labelSelector=app%3Dweb`);
    expect(found.map(names)).toEqual(['a b c', '']);
    expect(found[0]?.metadata).toEqual({
      resourceVersion: String(test.store.revision),
      continue: expect.any(String),
    });
  });

  it('shows in all pages the state at the first page', async () => {
    const first = await page(`${pods}?limit=2`);
    test.store.remove('v1', 'Pod', { namespace: 'default', name: 'c' });
    test.store.put(pod({ name: 'd', labels: { new: 'yes' } }));
    test.store.put(pod({ name: 'c2' }));
    const second = await page(`${pods}?limit=9&continue=${first.metadata.continue}`);
    expect(names(second)).toBe('c d e');
    expect(second.items[1]?.metadata).toMatchObject({ labels: {} });
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
    expect(names(await page(`${pods}?limit=9`))).toBe('a b c2 d e');
  });

  it('is too old when that state was dropped, with a token for the rest in its present state', async () => {
    const first = await page(`${pods}?limit=2`);
    test.store.remove('v1', 'Pod', { namespace: 'default', name: 'c' });
    test.store.compact();
    const expired = await refusal(`${pods}?limit=2&continue=${first.metadata.continue}`);
    expect(expired).toMatchObject({
      code: 410,
      reason: 'Expired',
      message: expect.stringMatching(
        /^The provided continue parameter is too old to display a consistent list result\. You can start/,
      ),
    });
    const rest = await page(`${pods}?limit=2&continue=${expired.metadata.continue}`);
    expect(names(rest)).toBe('d e');
    expect(rest.metadata).toEqual({ resourceVersion: String(test.store.revision) });
  });

  it('gives tables and metadata a continue token too', async () => {
    for (const accept of [
      tableAccept,
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    ]) {
      const answer = await call(test, `${pods}?limit=2`, { accept });
      expect(answer.json()).toMatchObject({
        metadata: { continue: expect.any(String), remainingItemCount: 3 },
      });
    }
  });

  it('is sent whole when any version is accepted', async () => {
    expect(names(await page(`${pods}?limit=2&resourceVersion=0`))).toBe('a b c d e');
  });

  it('limits how much is deleted at once', async () => {
    const answer = await call(test, `/api/v1/nodes?limit=1`, { method: 'DELETE' });
    expect(answer.json()).toMatchObject({ kind: 'NodeList', metadata: { remainingItemCount: 1 } });
    expect(names(await page('/api/v1/nodes'))).toBe('node-2');
  });
});

describe('a list at a version', () => {
  it('shows the state at that version, if it is wanted exactly', async () => {
    const { revision } = test.store;
    test.store.put(pod({ name: 'f' }));
    test.store.remove('v1', 'Pod', { namespace: 'default', name: 'a' });
    const path = `${pods}?resourceVersion=${revision}`;
    expect(names(await page(path))).toBe('b c d e f');
    expect(names(await page(`${path}&resourceVersionMatch=NotOlderThan`))).toBe('b c d e f');
    const exact = await page(`${path}&resourceVersionMatch=Exact`);
    expect([names(exact), exact.metadata.resourceVersion]).toEqual(['a b c d e', String(revision)]);
    // With a limit and without resourceVersionMatch, exactly this version is meant.
    expect(names(await page(`${path}&limit=1`))).toBe('a');
  });

  it('is too old when the history does not reach back so far', async () => {
    const { revision } = test.store;
    test.store.put(pod({ name: 'f' }));
    test.store.compact();
    expect(await refusal(`${pods}?resourceVersion=${revision}&resourceVersionMatch=Exact`)).toMatchObject({
      ...{ code: 410, reason: 'Expired' },
      message: 'The resourceVersion for the provided list is too old.',
    });
  });
});

const badToken = 'invalid continue token: continue key is not valid';
const invalid = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: ';
const good = token({ v: 'meta.k8s.io/v1', rv: 1, start: 'a\u0000' });

describe('a list is refused', () => {
  it.each([
    ['limit=two', 400, 'strconv.ParseInt: parsing "two": invalid syntax'],
    ['continue=ab*d', 400, `${badToken}: illegal base64 data at input byte 2`],
    ['continue=abcde', 400, `${badToken}: illegal base64 data at input byte 4`],
    [
      `continue=${Buffer.from('hello').toString('base64url')}`,
      400,
      `${badToken}: invalid character 'h' looking for beginning of value`,
    ],
    [`continue=${token({ v: 'v9' })}`, 400, `${badToken}: server does not recognize this encoded version v9`],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', start: 'a' })}`,
      400,
      `${badToken}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)`,
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1 })}`,
      400,
      `${badToken}: encoded start key empty (version meta.k8s.io/v1)`,
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: '../secrets' })}`,
      400,
      `${badToken}: ../secrets`,
    ],
    [
      `continue=${good}&resourceVersion=1`,
      400,
      'specifying resource version is not allowed when using continue',
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 99999, start: 'a' })}`,
      500,
      'etcdserver: mvcc: required revision is a future revision',
    ],
    [
      'resourceVersionMatch=Exact',
      422,
      `${invalid}Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
    ],
    [
      'resourceVersionMatch=Zap&resourceVersion=1',
      422,
      `${invalid}Unsupported value: "Zap": supported values: "Exact", "NotOlderThan", ""`,
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      422,
      `${invalid}Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      `resourceVersionMatch=Exact&resourceVersion=1&continue=${good}`,
      422,
      `${invalid}Forbidden: resourceVersionMatch is forbidden when continue is provided`,
    ],
  ])('with %s', async (query, code, message) => {
    expect(await refusal(`${pods}?${query}`)).toMatchObject({ code, message });
  });
});
