import type { IncomingMessage } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { eventually } from '../../support/waits.js';
import {
  type CallOptions,
  type Credentials,
  call,
  closed,
  jsonLines,
  makeCredentials,
  open,
  startTestApi,
  type TestApi,
  tableAccept,
} from './fixture.js';
import { pod } from './objects.js';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCredentials();
});

let clock: ManualClock;
let test: TestApi;
beforeEach(async () => {
  clock = new ManualClock();
  const objects = { pods: [pod({ name: 'a', labels: { app: 'web' } })] };
  test = await startTestApi(credentials, { clock, objects, storeOptions: { historyLimit: 20 } });
});
afterEach(() => test.close());

interface Watch {
  readonly response: IncomingMessage;
  next(): Promise<Record<string, unknown> | undefined>;
  /** The next event as `TYPE name`. */
  brief(): Promise<string>;
}

async function watch(query: string, options: CallOptions = {}): Promise<Watch> {
  const response = await open(test, `/api/v1/namespaces/default/pods?watch=true&${query}`, options);
  const lines = jsonLines(response);
  const next = async (): Promise<Record<string, unknown> | undefined> => {
    const { done, value } = await lines.next();
    return done === true ? undefined : value;
  };
  const brief = async (): Promise<string> => {
    const event = await next();
    const object = event?.object as { metadata?: { name?: string }; code?: number } | undefined;
    const type = typeof event?.type === 'string' ? event.type : '';
    return `${type} ${object?.metadata?.name ?? object?.code ?? ''}`.trim();
  };
  return { response, next, brief };
}

const fromNow = (): string => `resourceVersion=${test.store.revision}`;
const remove = (name: string): boolean => test.store.remove('v1', 'Pod', { namespace: 'default', name });

describe('a watch', () => {
  it('sends every change after the given revision, in order', async () => {
    const start = fromNow();
    test.store.put(pod({ name: 'b' }));
    const { brief } = await watch(start);
    test.store.put(pod({ name: 'b', phase: 'Failed' }));
    test.store.put(pod({ name: 'x', namespace: 'other' }));
    remove('b');
    expect([await brief(), await brief(), await brief()]).toEqual(['ADDED b', 'MODIFIED b', 'DELETED b']);
  });

  it('without a revision begins with the present objects', async () => {
    const { brief } = await watch('');
    expect(await brief()).toBe('ADDED a');
    remove('a');
    expect(await brief()).toBe('DELETED a');
  });

  it('with a selector sends what enters and leaves the selection, with the last selected state', async () => {
    const { brief, next } = await watch(`${fromNow()}&labelSelector=app%3Dweb`);
    test.store.put(pod({ name: 'b', labels: { app: 'db' } }));
    test.store.put(pod({ name: 'b', labels: { app: 'web' } }));
    expect(await brief()).toBe('ADDED b');
    test.store.put(pod({ name: 'b', labels: { app: 'db' } }));
    expect(await next()).toMatchObject({
      type: 'DELETED',
      object: { metadata: { labels: { app: 'web' }, resourceVersion: String(test.store.revision) } },
    });
  });

  it('sends tables with their columns only once', async () => {
    const { next } = await watch(fromNow(), { accept: tableAccept });
    test.store.put(pod({ name: 'b' }));
    test.store.put(pod({ name: 'c' }));
    const columns = async (): Promise<number> => {
      const event = (await next()) as { object: { kind: string; columnDefinitions: unknown[] } };
      expect(event.object.kind).toBe('Table');
      return event.object.columnDefinitions.length;
    };
    expect(await columns()).toBeGreaterThan(0);
    expect(await columns()).toBe(0);
  });

  it('gets a bookmark with the present revision every minute, if it wants them', async () => {
    const { next } = await watch(`${fromNow()}&allowWatchBookmarks=true`);
    test.store.put(pod({ name: 'x', namespace: 'other' }));
    for (let minute = 0; minute < 2; minute++) {
      clock.advance(60_000);
      expect(await next()).toMatchObject({
        type: 'BOOKMARK',
        object: { kind: 'Pod', metadata: { resourceVersion: String(test.store.revision) } },
      });
    }
  });

  it('ends after its timeout and leaves no timer', async () => {
    const before = clock.pendingTimers;
    const { next } = await watch(`${fromNow()}&timeoutSeconds=300&allowWatchBookmarks=true`);
    clock.advance(299_000);
    while (((await next())?.type as string) !== 'BOOKMARK');
    clock.advance(1_000);
    let event: unknown;
    do event = await next();
    while (event !== undefined);
    // That of the connection goes with it.
    await eventually(() => expect(clock.pendingTimers).toBe(before));
    expect(test.api.openStreams().watch).toBe(0);
  });

  it('from before the kept history gets 410 Expired and ends', async () => {
    const start = fromNow();
    test.store.put(pod({ name: 'b' }));
    test.store.compact();
    const { next } = await watch(start);
    expect(await next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    expect(await next()).toBeUndefined();
  });

  it('that is up to date survives a compaction', async () => {
    const { brief } = await watch(fromNow());
    test.store.put(pod({ name: 'b' }));
    expect(await brief()).toBe('ADDED b');
    test.store.put(pod({ name: 'x', namespace: 'other' }));
    await new Promise((resolve) => setImmediate(resolve));
    test.store.compact();
    test.store.put(pod({ name: 'c' }));
    expect(await brief()).toBe('ADDED c');
  });

  it('whose client does not read costs no memory, and gets 410 when it is too late', async () => {
    const bulky = 'x'.repeat(100_000);
    const { response, next } = await watch(fromNow());
    response.pause();
    for (let i = 0; i < 200; i++) {
      test.store.put(pod({ name: `p${i}`, labels: { bulky } }));
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    let last: Record<string, unknown> | undefined;
    let count = 0;
    for (let event = await next(); event !== undefined; event = await next()) {
      last = event;
      count++;
    }
    expect(last).toMatchObject({ type: 'ERROR', object: { reason: 'Expired' } });
    expect(count).toBeLessThan(200);
  });

  it('of several clients makes its JSON once for all of them', async () => {
    const watches = [await watch(fromNow()), await watch(fromNow()), await watch(fromNow())];
    const toJSON = vi.fn(() => ({}));
    const shared = pod({ name: 'shared' });
    test.store.put({ ...shared, ...{ spec: { ...shared.spec, toJSON } } });
    for (const each of watches) expect(await each.brief()).toBe('ADDED shared');
    expect(toJSON).toHaveBeenCalledTimes(1);
    for (const { response } of watches) response.destroy();
  });

  it('is counted as long as its client stays', async () => {
    const { response } = await watch(fromNow());
    expect(test.api.openStreams().watch).toBe(1);
    response.destroy();
    await expect.poll(() => test.api.openStreams().watch).toBe(0);
  });

  it.each([
    ['resourceVersion=99999', 504, 'Timeout'],
    ['resourceVersion=x', 400, 'BadRequest'],
    ['sendInitialEvents=true', 422, 'Invalid'],
    ['resourceVersionMatch=NotOlderThan', 422, 'Invalid'],
  ])('with %s is refused', async (query, code, reason) => {
    const answer = await call(test, `/api/v1/pods?watch=true&${query}`);
    expect(answer.json()).toMatchObject({ code, reason });
  });

  it('ends when the server closes', async () => {
    const { response } = await watch(fromNow());
    response.resume();
    const gone = closed(response);
    await test.close();
    await gone;
  });
});
