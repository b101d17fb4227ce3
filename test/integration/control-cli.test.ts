import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endsWithTest } from '../support/children.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { eventually, once } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let up: Konnsim;
const at = (): { cwd: string } => ({ cwd: folder.path });
const run = (...args: string[]) => konnsim(args, at());

beforeAll(async () => {
  folder = await scratchFolder();
  up = new Konnsim(['up', '--nodes', '1', '--control-port', '0'], { ...at(), shared: true });
  await up.waitFor(/page and API {3}http:\/\/127\.0\.0\.1:\d+[\s\S]*Ctrl-C/);
});
afterAll(async () => {
  await up.stop();
  await folder.remove();
});

describe('the commands over a running lab', () => {
  it('show its parts, and a connection as each end believes it', async () => {
    const follow = new Konnsim(['exec', 'shell', '--', 'sleep', '600'], at());
    await eventually(async () => {
      const { stdout } = await run('status');
      expect(stdout).toMatch(/agent\/node-1 +running/);
      expect(stdout).toMatch(/10\.0\.1\.11:10250\n.*server\/server-1 open {2}· {2}agent\/node-1 open/);
    });
    await follow.stop();
    const { cluster } = JSON.parse((await run('status', '--output', 'json')).stdout) as {
      cluster: { seed: number };
    };
    expect(cluster.seed).toEqual(expect.any(Number));
  });

  it('set a fault, show what it did, explain it, and heal', async () => {
    const place = ['--part', 'agent/node-1', '--id', 'gone'];
    expect((await run('fault', 'check', 'kill', ...place)).stdout).toContain('agent/node-1');
    expect(await run('fault', 'add', 'kill', ...place)).toMatchObject({ code: 0 });
    expect((await run('fault', 'ls')).stdout).toMatch(/gone +kill +hits 1/);
    expect((await run('exec', 'web-1', '--', 'hostname')).code).toBe(125);
    expect((await run('explain')).stdout).toMatch(/No agent available[\s\S]*agent\/node-1 was killed/);
    expect((await run('fault', 'rm', 'gone')).stdout).toContain('removed gone');
    const reset = await run('reset');
    expect([reset.code, reset.stdout]).toEqual([0, expect.stringContaining('removed faults: none')]);
    await eventually(async () =>
      expect((await run('exec', 'web-1', '--', 'hostname')).stdout).toBe('web-1\n'),
    );
  });

  it('kill a part and start it', async () => {
    expect((await run('part', 'kill', 'agent/1')).stdout).toMatch(/^agent\/node-1 +stopped/);
    expect((await run('part', 'start', 'agent/node-1')).stdout).toMatch(/^agent\/node-1 +running/);
    const { stdout } = await run('events', '--filter', 'kind:role.* node:agent/*');
    expect(stdout).toMatch(/role\.killed[\s\S]*role\.started/);
    expect(stdout).not.toContain('kubelet');
  });

  it('follow events as they come', async () => {
    const follow = new Konnsim(['events', '--follow', '--output', 'ndjson', '--filter', 'fault:seen'], at());
    await run('fault', 'add', '{ do: { latency: { delay: 1ms } } }', '--id', 'seen');
    await follow.waitFor(/"kind":"fault.set".*"fault":"seen"/);
    await run('fault', 'rm', '--all');
    await follow.waitFor(/"kind":"fault.healed"/);
    expect((await follow.stop()).code).toBe(130);
  });

  it.each([
    ['a fault on no part', ['fault', 'add', 'kill', '--part', 'agent/node-9'], 5, /\[NODE_NOT_FOUND\]/],
    ['a fault on no link', ['fault', 'add', 'drop', '--from', 'agent/9'], 5, /\[LINK_NOT_FOUND\]/],
    [
      'a fault that would hit nothing now',
      ['fault', 'add', 'refuse', '--from', 'agent/*', '--require-match'],
      5,
      /would hit nothing now/,
    ],
    ['a fault that is not known', ['fault', 'add', 'nonsense'], 2, /no preset is called nonsense/],
    ['a fault that is not on', ['fault', 'rm', 'fault-99'], 1, /\[FAULT_NOT_FOUND\]/],
    ['a part that is not there', ['part', 'kill', 'agent/node-9'], 1, /\[NODE_NOT_FOUND\]/],
    ['a name that is no part', ['part', 'kill', 'node-1'], 2, /\[USAGE\]/],
    ['a lab that is not there', ['status', '--control', 'http://127.0.0.1:9'], 6, /\[LAB_UNREACHABLE\]/],
    ['a field that is misspelt', ['events', '--filter', 'nod:agent/*'], 1, /events have no field nod/],
  ] as const)('tell %s in one line, with its exit code', async (_name, args, code, text) => {
    const result = await run(...args);
    expect(result.stderr).toMatch(text);
    expect(result.code).toBe(code);
  });
});

describe('konnsim up for other languages', () => {
  it('writes all addresses at once, and ends with its parent', async () => {
    const parent: ChildProcess = endsWithTest(spawn('sleep', ['600']));
    const own = ['up', '--nodes', '1', '--dir', 'child', '--control-port', '0', '--ports-file', 'ports.json'];
    const child = new Konnsim([...own, '--parent-pid', String(parent.pid)], at());
    const ports = await eventually(
      async () => JSON.parse(await readFile(join(folder.path, 'ports.json'), 'utf8')) as { control: string },
    );
    expect((await fetch(`${ports.control}/healthz`)).status).toBe(200);
    parent.kill('SIGKILL');
    expect(await child.finished()).toMatchObject({ code: 0 });
    await expect(readFile(join(folder.path, 'ports.json'))).rejects.toThrow('ENOENT');
  });

  it('gives a token to other machines only, and names its file', async () => {
    const child = new Konnsim(
      ['up', '--nodes', '1', '--dir', 'open', '--control-port', '0', '--control-host', '0.0.0.0'],
      at(),
    );
    await child.waitFor(/Ctrl-C/);
    expect((await run('status', '--dir', 'open')).stdout).toContain('agent/node-1');
    const { control } = JSON.parse(await readFile(join(folder.path, 'open', 'addresses.json'), 'utf8')) as {
      control: string;
    };
    expect((await run('status', '--dir', 'nowhere', '--control', control)).stderr).toContain(
      '[UNAUTHORIZED]',
    );
    await child.stop();
  });

  it('names a control port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const result = await run('up', '--dir', 'other', '--control-port', String(port));
    expect([result.code, result.stderr]).toEqual([1, expect.stringMatching(`${port}.*ADDRESS_IN_USE`)]);
    other.close();
  });
});
