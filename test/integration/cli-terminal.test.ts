import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endsWithTest } from '../support/children.js';
import { Konnsim, konnsim, konnsimProgram, scratchFolder } from '../support/konnsim.js';
import { missingPty, Pty } from '../support/pty.js';
import { once, until } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let up: Konnsim;

beforeAll(async () => {
  folder = await scratchFolder();
  up = new Konnsim(['up'], { cwd: folder.path });
  await up.waitFor(/Ctrl-C/);
});
afterAll(async () => {
  await up.stop();
  await folder.remove();
});

const why = missingPty();
if (why !== undefined) process.stderr.write(`SKIPPED: konnsim exec -it on a terminal: ${why}\n`);

describe.skipIf(why !== undefined)('konnsim exec -it on a terminal', () => {
  const open = (...command: string[]): Pty =>
    new Pty([process.execPath, konnsimProgram, 'exec', '-it', 'shell', '--', ...command], {
      cwd: folder.path,
    });

  it('shows a prompt and what is typed, and passes the exit code of the shell on', async () => {
    const pty = open('sh');
    await pty.waitFor(/[$#] $/);
    await pty.answer('echo $((40+2))', /echo \$\(\(40\+2\)\)\r+\n42\r+\n/);
    pty.type('exit 7\r');
    expect(await pty.finished()).toMatchObject({ code: 7, restored: true });
  });

  it('gives Ctrl-C to the shell, not to konnsim', async () => {
    const pty = open('sh');
    await pty.waitFor(/[$#] $/);
    pty.type('sleep 3600\r');
    await pty.waitFor(/sleep 3600\r+\n/);
    const mark = pty.mark();
    pty.type('\u0003');
    await pty.waitFor(/[$#] $/, mark);
    await pty.answer('echo alive', /\nalive\r+\n/);
    pty.type('\u0004');
    expect(await pty.finished()).toMatchObject({ restored: true });
  });

  it('tells the command the size of the window, and each change', async () => {
    const pty = open('sh');
    await pty.waitFor(/[$#] $/);
    await pty.answer('stty size', /\n24 80\r+\n/);
    pty.resize(50, 132);
    await expect.poll(async () => (await pty.answer('stty size', /\n(\d+ \d+)\r+\n/))[1]).toBe('50 132');
    pty.type('exit\r');
    expect(await pty.finished()).toMatchObject({ code: 0, restored: true });
  });

  it('restores the terminal when the command cannot be run', async () => {
    const pty = open('no-such-program');
    const { code, restored, screen } = await pty.finished();
    expect({ code, restored }).toEqual({ code: 125, restored: true });
    expect(screen).toMatch(/error: .*no-such-program.*\r*\nhint: .*\r*\n$/s);
  });
});

describe('a reader that goes away', () => {
  /** Runs konnsim, closes its stdout after the first bytes. */
  const readOnce = async (args: readonly string[]) => {
    const child = endsWithTest(
      spawn(process.execPath, [konnsimProgram, ...args], {
        cwd: folder.path,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    return { code, stderr };
  };

  it('ends konnsim logs -f without a word', async () => {
    expect(await readOnce(['logs', '-f', 'counter'])).toEqual({ code: 141, stderr: '' });
  });

  it('ends konnsim exec without a word', async () => {
    const command = ['sh', '-c', 'while true; do echo y; sleep 0.05; done'];
    expect(await readOnce(['exec', 'web-1', '--', ...command])).toEqual({ code: 141, stderr: '' });
  });

  it('stops a lab that prints its events, and leaves nothing', async () => {
    const own = await scratchFolder();
    const child = endsWithTest(
      spawn(process.execPath, [konnsimProgram, 'up', '--events', '--dir', join(own.path, 'lab')], {
        env: { ...process.env, TMPDIR: own.path },
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect((await once(child, 'close'))[0]).toBe(141);
    expect(await readdir(own.path)).toEqual([]);
    await own.remove();
  });
});

describe('the end of konnsim up', () => {
  const cases: readonly [string, RegExp | undefined, readonly NodeJS.Signals[], number][] = [
    ['SIGTERM while it runs', /Ctrl-C/, ['SIGTERM'], 143],
    ['SIGHUP while it runs', /Ctrl-C/, ['SIGHUP'], 129],
    ['a second Ctrl-C', /Ctrl-C/, ['SIGINT', 'SIGINT'], 130],
    ['SIGTERM while it starts', undefined, ['SIGTERM'], 143],
    ['two Ctrl-C while it starts', undefined, ['SIGINT', 'SIGINT'], 130],
  ];

  it.each(cases)('leaves nothing after %s', async (_name, ready, signals, code) => {
    const own = await scratchFolder();
    const lab = new Konnsim(['up', '--nodes', '8', '--dir', 'deep/down/lab'], {
      cwd: own.path,
      env: { TMPDIR: own.path },
    });
    if (ready !== undefined) await lab.waitFor(ready);
    else await folderAppears(join(own.path, 'deep'));
    for (const signal of signals) lab.child.kill(signal);
    expect(await lab.finished()).toMatchObject({ code });
    expect(await readdir(own.path)).toEqual([]);
    await own.remove();
  });

  /** The folder is made at the start, long before the lab is ready. */
  const folderAppears = async (path: string): Promise<void> => {
    await until(() => existsSync(path));
  };

  it('touches no file of somebody else in its folder', async () => {
    const own = await scratchFolder();
    const at = { cwd: own.path };
    await konnsim(['certs', '--out', 'certs'], at);
    const before = await readdir(join(own.path, 'certs'));
    const refused = await konnsim(['up', '--dir', 'certs'], at);
    expect(refused.stderr).toMatch(/error: .*ca\.crt exists already.*\[FILE_UNWRITABLE\]\nhint: .*--dir/);
    expect(refused.code).toBe(2);
    expect(await readdir(join(own.path, 'certs'))).toEqual(before);
    await own.remove();
  });
});
