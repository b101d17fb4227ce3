import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endsWithTest } from '../../support/children.js';
import { once } from '../../support/waits.js';
import { podOf, processesWith, sh, startProcesses } from './process-support.js';

const support = new URL('./process-support.ts', import.meta.url).href;
const sleepTexts = { ours: 'sleep\u000076511', strange: 'sleep\u000076512', cleared: 'sleep\u000076513' };

/** Runs one container in a process of its own, so that it can be killed. */
function host(folder: string, command: readonly string[], commands: readonly (readonly string[])[]) {
  const script = `
    const { podOf, run, startProcesses } = await import(${JSON.stringify(support)});
    const runtime = await startProcesses(podOf({ command: ${JSON.stringify(command)} }), { folder: process.argv[1] });
    for (const command of ${JSON.stringify(commands)}) void run(runtime, command);
    process.stdin.resume().on('end', () => runtime.close());
    process.stdout.write(runtime.folder);`;
  return endsWithTest(
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
}

describe('a process runtime whose own process is killed', () => {
  let folder: string;
  let children: ChildProcess[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guardian-'));
    children = [];
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function started(command: readonly string[], commands: readonly (readonly string[])[] = []) {
    const child = host(folder, command, commands);
    children.push(child);
    const [root] = await once(child.stdout, 'data');
    return { child, root: String(root) };
  }

  const counts = async (): Promise<readonly number[]> =>
    Promise.all(Object.values(sleepTexts).map(async (text) => (await processesWith(text)).length));

  it.each([
    ['a main process and what it started', sh('sleep 76511 & sleep 76511; true'), [], [2, 0, 0]],
    ['a process of another session', sh('setsid sleep 76511 & sleep 76511; true'), [], [2, 0, 0]],
    ['one that heeds no signal', sh('trap "" TERM HUP INT; sleep 76511; true'), [], [1, 0, 0]],
    ['a main process without its environment', ['env', '-i', 'sleep', '76513'], [], [0, 0, 1]],
    [
      'commands beside it',
      ['sleep', '76511'],
      [
        ['env', '-i', 'sleep', '76513'],
        ['sleep', '76511'],
      ],
      [2, 0, 1],
    ],
  ])('leaves nothing of %s', async (_what, command, commands, expected) => {
    const { child, root } = await started(command, commands);
    await expect.poll(counts).toEqual(expected);
    child.kill('SIGKILL');
    await expect.poll(counts).toEqual([0, 0, 0]);
    await expect.poll(() => existsSync(root)).toBe(false);
  });

  it('does not kill processes of another lab, nor one that only names our folder', async () => {
    const other = await started(['sleep', '76511']);
    const { child, root } = await started(['sleep', '76513']);
    const env = { ...process.env, KONNSIM_CONTAINER: `${root}-2/x`, HOME: `${root}/x` };
    children.push(endsWithTest(spawn('sleep', ['76512'], { env, stdio: 'ignore', cwd: root })));
    await expect.poll(counts).toEqual([1, 1, 1]);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(root)).toBe(false);
    expect(await counts()).toEqual([1, 1, 0]);
    other.child.stdin.end();
    await once(other.child, 'exit');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves no guardian behind when it ended normally', async () => {
    const { child, root } = await started(['sleep', '76511']);
    // A process that it is just starting has its command line for a moment.
    await expect.poll(() => processesWith(`konnsim-guardian\0${root}`)).toHaveLength(1);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await processesWith(root)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('a process runtime refuses to start without a folder for temporary files, and does not make one', async () => {
  const missing = join(tmpdir(), 'konnsim-none', 'below');
  vi.stubEnv('TMPDIR', missing);
  try {
    const where = 'TMPDIR';
    await expect(startProcesses(podOf({}))).rejects.toMatchObject({ code: 'FILE_UNWRITABLE', where });
    expect(existsSync(missing)).toBe(false);
  } finally {
    vi.unstubAllEnvs();
  }
});
