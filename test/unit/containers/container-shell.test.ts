import { afterEach, describe, expect, it } from 'vitest';
import { ContainerShell } from '../../../src/containers/threads/container-shell.js';
import { processThreads } from '../../../src/containers/threads/thread-pool.js';
import { Client, settled } from './support.js';

const shells: ContainerShell[] = [];
afterEach(() => Promise.all(shells.splice(0).map((shell) => shell.end())));

function open(id: string, parkAfterMs: number): ContainerShell {
  const shell = new ContainerShell({
    ...{ id, hostname: id, address: '10.1.1.5', seed: 1, parkAfterMs },
    machine: { hostname: id, now: () => 0, sleep: async () => undefined, randomByte: () => 0 },
    lost: () => undefined,
  });
  shells.push(shell);
  return shell;
}

async function sh(shell: ContainerShell, script: string): Promise<string> {
  const client = new Client();
  const place = {
    ...{ env: { PATH: '/bin' }, cwd: '/', signal: new AbortController().signal },
    machine: { hostname: 'a', now: () => 0, sleep: async () => undefined, randomByte: () => 0 },
  };
  const options = { argv: ['sh', '-c', script], tty: false, streams: client, execId: () => 'id' };
  client.stdin.end();
  await shell.execute(place, options);
  await settled();
  return client.out + client.err;
}

/** Resolves when the container has no thread any more. */
async function parked(shell: ContainerShell): Promise<void> {
  await expect.poll(() => shell.hasThread).toBe(false);
}

describe('a container that runs nothing', () => {
  it('gives its thread back, and has its files again in the next thread', async () => {
    const shell = open('a', 1);
    const deep = '/d'.repeat(2000);
    await sh(shell, `x=1; mkdir -p /tmp${deep}; echo kept > /tmp/f; ln -s f /tmp/l; ln /tmp/f /tmp/h`);
    await parked(shell);
    const before = await shell.countFiles();
    expect(before.entries).toBeGreaterThan(2000);
    expect(
      await sh(shell, 'x=1; cat /tmp/l; echo more >> /tmp/h; find /tmp/d | wc -l; ls -l /tmp/f'),
    ).toMatch(/^kept\n2000\n.* 10 .*\/tmp\/f\n$/);
    await parked(shell);
    expect(Buffer.from((await shell.readFile('/tmp/f')) ?? []).toString()).toContain('kept\n');
    expect((await shell.countFiles()).entries).toBe(before.entries);
  });

  it('keeps its thread while a command runs', async () => {
    const shell = open('a', 1);
    for (let round = 0; round < 20; round++) {
      const both = await Promise.all([
        sh(shell, `x=1; echo ${round} >> /tmp/f`),
        sh(shell, 'x=1; cat /tmp/none'),
      ]);
      expect(both[1]).toContain('No such file');
      if (round % 3 === 0) await parked(shell);
    }
    expect((await sh(shell, 'x=1; wc -l < /tmp/f')).trim()).toBe('20');
  });

  it('leaves one thread, which later containers use one after the other', async () => {
    for (let round = 0; round < 5; round++) {
      const shell = open(`c${round}`, 1);
      expect(await sh(shell, 'x=1; ls /tmp')).toBe('');
      await parked(shell);
    }
    expect(processThreads.size).toBe(1);
  });
});
