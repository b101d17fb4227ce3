import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubectlProcess } from '../support/kubectl.js';
import { eventually } from './compose.js';
import { type ComposeLab, startComposeLab } from './lab.js';

let lab: ComposeLab;

beforeAll(async () => {
  lab = await startComposeLab('ha', {}, 'deploy/ha.env');
}, 900_000);

afterAll(async () => {
  await lab?.close();
});

/** Runs a command through each of the three API servers, which take turns, and counts what fails. */
async function failuresOfThree(): Promise<string[]> {
  const failures: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { code, stderr } = await lab.run(['exec', 'shell', '--', 'true']);
    if (code !== 0) failures.push(stderr);
  }
  return failures;
}

const apiservers = ['apiserver', 'apiserver-2', 'apiserver-3'];

/** How many watches users have begun at an API server, by what it prints. */
async function watchesBegun(service: string): Promise<number> {
  const log = await lab.compose.do(['logs', '--no-log-prefix', service]);
  return log.match(/client\/kubernetes-admin .*request\.started .*verb=watch/g)?.length ?? 0;
}

/** Watches of pods at two API servers, by their names. */
async function watchesAtTwo(): Promise<Map<string, KubectlProcess>> {
  const found = new Map<string, KubectlProcess>();
  while (found.size < 2) {
    const before = await Promise.all(apiservers.map(watchesBegun));
    const watch = lab.kubectl.start(['get', 'pods', '--watch', '-L', 'seen'], { timeoutMs: 110_000 });
    await watch.waitFor(/mine/);
    const place = await eventually(async () => {
      const after = await Promise.all(apiservers.map(watchesBegun));
      const index = after.findIndex((count, at) => count > (before[at] ?? 0));
      expect(index).toBeGreaterThanOrEqual(0);
      return apiservers[index] ?? '';
    });
    if (found.has(place)) await watch.stop();
    else found.set(place, watch);
  }
  return found;
}

describe('three API servers, each with a proxy-server of its own', () => {
  it('reach every node, as agents look for three servers', async () => {
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('go on with two when one pair is gone, and heal', async () => {
    await lab.compose.do(['kill', 'server-2']);
    const failures = await failuresOfThree();
    expect(failures.length).toBeLessThanOrEqual(1);
    await lab.compose.do(['start', 'server-2']);
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('serve one cluster: what one of them creates is at all of them, and runs', async () => {
    const made = await lab.run(['run', 'mine', '--image=any', '--', 'sleep', '100000']);
    expect(made).toMatchObject({ code: 0 });
    for (let turn = 0; turn < 3; turn++) expect((await lab.run(['get', 'pod', 'mine'])).code).toBe(0);
    const again = await lab.run(['run', 'mine', '--image=any']);
    expect(again.stderr).toContain('pods "mine" already exists');
    await lab.run(['wait', 'pod/mine', '--for=condition=Ready', '--timeout=60s'], { timeoutMs: 70_000 });
    for (let turn = 0; turn < 3; turn++) {
      const { code, stdout } = await lab.run(['exec', 'mine', '--', 'echo', 'fine']);
      expect([code, stdout]).toEqual([0, 'fine\n']);
    }
  });

  it('end the watches of one that is killed, and no other', async () => {
    const watches = await watchesAtTwo();
    const [killed = '', other = ''] = watches.keys();
    // A watch that has brought nothing yet would be asked for again elsewhere.
    await lab.run(['label', 'pod', 'mine', 'seen=once', '--overwrite']);
    for (const watch of watches.values()) await watch.waitFor(/mine.*once/);
    await lab.compose.do(['kill', killed]);
    try {
      expect((await watches.get(killed)?.result)?.timedOut).toBe(false);
      // One of three attempts meets the one that is gone.
      await eventually(async () =>
        expect((await lab.run(['label', 'pod', 'mine', 'seen=still', '--overwrite'])).code).toBe(0),
      );
      await watches.get(other)?.waitFor(/mine.*still/);
    } finally {
      for (const watch of watches.values()) await watch.stop();
      await lab.compose.do(['start', killed]);
    }
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('go on without their store, but for writes, and find all again with it', async () => {
    const read = ['get', 'pod', 'mine', '-o', 'jsonpath={.metadata.uid} {.metadata.resourceVersion}'];
    const [uid, revision] = (await lab.run(read)).stdout.split(' ');
    await lab.compose.do(['kill', 'store']);
    await eventually(async () => {
      const ready = await lab.run(['get', '--raw', '/readyz']);
      expect(ready.stderr + ready.stdout).toContain('[-]etcd failed: reason withheld');
    });
    for (let turn = 0; turn < 3; turn++) {
      expect((await lab.run(['exec', 'mine', '--', 'true'])).code).toBe(0);
      const write = await lab.run(['label', 'pod', 'mine', `turn=${turn}`, '--overwrite']);
      expect(write.stderr).toMatch(/rpc error: code = Unavailable|etcdserver: request timed out/);
    }
    await lab.compose.do(['start', 'store']);
    await eventually(async () =>
      // A value that it cannot have yet: what changes nothing moves no revision.
      expect(await lab.run(['label', 'pod', 'mine', `turn=after-${revision}`, '--overwrite'])).toMatchObject({
        code: 0,
      }),
    );
    // A server that has not found the store again yet still answers from its memory.
    await eventually(async () => {
      for (let turn = 0; turn < 3; turn++) {
        const [sameUid, laterRevision] = (await lab.run(read)).stdout.split(' ');
        expect(sameUid).toBe(uid);
        expect(Number(laterRevision)).toBeGreaterThan(Number(revision));
      }
    });
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('fail in two of three cases when agents are told of one server only', async () => {
    lab.compose.set({ SERVER_COUNT: '1' });
    await lab.compose.do(['up', '--wait']);
    await lab.compose.do(['restart', 'agent-1', 'agent-2']);
    await eventually(async () => {
      const failures = await failuresOfThree();
      expect(failures).toHaveLength(2);
      for (const text of failures) expect(text).toContain('No agent available');
    });
  });
});
