import { appendFile, cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/apiserver/store/object-store.js';
import { StoreFiles } from '../../../src/apiserver/store/remote/store-files.js';
import type { StoreRuns } from '../../../src/apiserver/store/remote/store-runs.js';
import { ManualClock } from '../../../src/core/clock.js';
import { scratchFolder } from '../../support/konnsim.js';
import { pod } from './objects.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
const opened: StoreFiles[] = [];
beforeEach(async () => {
  scratch = await scratchFolder();
});
afterEach(async () => {
  for (const files of opened.splice(0)) files.close();
  await scratch.remove();
});

interface Opened {
  readonly store: MemoryStore;
  readonly runs: StoreRuns;
  readonly isNew: boolean;
}

function open(name: string, maxLogBytes?: number): Opened {
  const store = new MemoryStore(new ManualClock());
  const limit = maxLogBytes === undefined ? {} : { maxLogBytes };
  const files = new StoreFiles({ folder: join(scratch.path, name), clock: new ManualClock(), ...limit });
  opened.push(files);
  let isNew = false;
  const runs = files.open(store, () => {
    isNew = true;
    store.fill({ pods: [pod({ name: 'a' })] });
  });
  return { store, runs, isNew };
}

/** The state after a process was killed: nothing is closed. */
async function killed(name: string, copy: string): Promise<void> {
  await cp(join(scratch.path, name), join(scratch.path, copy), { recursive: true });
}

const logOf = async (name: string): Promise<string> => {
  const found = (await readdir(join(scratch.path, name))).filter((each) => each.endsWith('.ndjson'));
  expect(found).toHaveLength(1);
  return join(scratch.path, name, found[0] ?? '');
};

describe('the files of a store', () => {
  it('restore objects, revisions and history after a kill', async () => {
    const first = open('one');
    const start = first.store.revision;
    first.store.put(pod({ name: 'b' }));
    first.store.remove('v1', 'Pod', { namespace: 'default', name: 'a' });
    await killed('one', 'two');
    const second = open('two');
    expect([first.isNew, second.isNew]).toEqual([true, false]);
    expect(second.store.snapshot()).toEqual(first.store.snapshot());
    expect(second.store.stepsAfter(start)).toEqual(first.store.stepsAfter(start));
    expect(second.runs.continues(first.runs.current, first.store.revision)).toBe(true);
  });

  it('are readable only by their owner', async () => {
    open('one');
    expect((await stat(join(scratch.path, 'one'))).mode & 0o777).toBe(0o700);
    for (const name of ['snapshot.json', 'steps-'])
      for (const file of (await readdir(join(scratch.path, 'one'))).filter((each) => each.startsWith(name)))
        expect((await stat(join(scratch.path, 'one', file))).mode & 0o777).toBe(0o600);
  });

  it('lose a half-written step, and continue after it', async () => {
    const first = open('one');
    first.store.put(pod({ name: 'b' }));
    await killed('one', 'two');
    await appendFile(await logOf('two'), '{"revision":99,"put":{"apiVersion":"v1","ki');
    const second = open('two');
    expect(second.store.snapshot()).toEqual(first.store.snapshot());
    second.store.put(pod({ name: 'c' }));
    await killed('two', 'three');
    expect(open('three').store.snapshot()).toEqual(second.store.snapshot());
  });

  it('are refused when they are damaged, with the place', async () => {
    open('one').store.put(pod({ name: 'b' }));
    await killed('one', 'two');
    const log = await logOf('two');
    await writeFile(log, `{"revision":\n${await readFile(log, 'utf8')}`);
    expect(() => open('two')).toThrow(/^line 1 of .*steps-\d+\.ndjson is damaged: /);
    await writeFile(join(scratch.path, 'two', 'snapshot.json'), '{');
    expect(() => open('two')).toThrow(/^cannot read .*snapshot\.json: /);
  });

  it('are replaced by a snapshot when the log is long, and keep nothing old', async () => {
    const first = open('one', 2000);
    for (let count = 0; count < 50; count++) first.store.put(pod({ name: `pod-${count % 5}` }));
    expect((await stat(await logOf('one'))).size).toBeLessThan(4000);
    await killed('one', 'two');
    const second = open('two');
    expect(second.store.snapshot()).toEqual(first.store.snapshot());
    expect(second.runs.all[0]).toEqual(first.runs.all[0]);
  });

  it('tell which states of earlier runs are still valid', async () => {
    const first = open('one');
    const seen = first.store.revision + 1;
    await killed('one', 'two');
    // A replica got this step, and the disk did not.
    first.store.put(pod({ name: 'lost' }));
    const second = open('two');
    expect(second.runs.continues(first.runs.current, seen - 1)).toBe(true);
    expect(second.runs.continues(first.runs.current, seen)).toBe(false);
    second.store.put(pod({ name: 'other' }));
    second.store.put(pod({ name: 'another' }));
    await killed('two', 'three');
    const third = open('three');
    expect(third.runs.continues(first.runs.current, seen)).toBe(false);
    expect(third.runs.continues(second.runs.current, second.store.revision)).toBe(true);
    expect(third.runs.continues('', 1)).toBe(false);
  });
});
