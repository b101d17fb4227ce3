import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { run, sandbox } from './support.js';

const make =
  'mkdir -p a/b/e a/c a/.d "a/f g" x; touch a/b/n a/b/.h a/c/y a/z a/.d/q "a/f g/r" x/w; ln -s ../x a/l;';

describe('ls -R', () => {
  let runtime: SandboxRuntime;
  let folder: string;
  beforeAll(async () => {
    ({ runtime } = sandbox());
    folder = mkdtempSync(join(tmpdir(), 'konnsim-ls-'));
    spawnSync('sh', ['-c', make], { cwd: folder });
    await run(runtime, ['sh', '-c', `mkdir /tmp/t; cd /tmp/t; ${make}`]);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await runtime.close();
  });

  it.each(['ls -R', 'ls -R a', 'ls -aR a/b', 'ls -AR a', 'ls -rR a', 'ls --recursive a x', 'cd a; ls -1R .'])(
    'lists as the host does: %s',
    async (script) => {
      const host = spawnSync('sh', ['-c', script], {
        cwd: folder,
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      });
      const here = await run(runtime, ['sh', '-c', `cd /tmp/t; ${script}`]);
      expect(here.out).toBe(host.stdout.toString());
    },
  );

  it('lists folders that are as deep as the longest path', async () => {
    const script = `mkdir -p /tmp/deep/${'d/'.repeat(1900)}; ls -R /tmp/deep | grep -c :; rm -rf /tmp/deep`;
    expect((await run(runtime, ['sh', '-c', script])).out).toBe('1901\n');
  });
});
