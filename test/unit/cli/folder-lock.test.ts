import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderLock } from '../../../src/cli/folder-lock.js';
import { endsWithTest } from '../../support/children.js';
import { scratchFolder } from '../../support/konnsim.js';
import { once } from '../../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;

beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => folder.remove());

/** A process ID that is not in use: its process has ended and was waited for. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('the lock of a folder', () => {
  it('is taken, names its owner, and goes with its release', () => {
    const lock = new FolderLock(folder.path);
    expect(lock.acquire()).toBeUndefined();
    expect(readFileSync(lock.path, 'utf8')).toMatch(new RegExp(`^${process.pid}\n.+\n`));
    expect(readdirSync(folder.path)).toEqual(['lab.pid']);
    lock.release();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('stays with a living owner', async () => {
    const other = endsWithTest(
      spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
        stdio: ['pipe', 'ignore', 'ignore'],
      }),
    );
    await once(other, 'spawn');
    writeFileSync(join(folder.path, 'lab.pid'), `${other.pid}\n`);
    const lock = new FolderLock(folder.path);
    expect(lock.acquire()).toBe(other.pid);
    lock.release();
    expect(readdirSync(folder.path)).toEqual(['lab.pid']);
    other.stdin.end();
    await once(other, 'close');
  });

  it.each([
    ['a process that is no more', (): string => `${deadPid()}\n`],
    ['nobody', (): string => ''],
    ['a process whose ID another one has now', (): string => `${process.ppid}\n1\n`],
  ])('is taken over from %s', (_name, left) => {
    writeFileSync(join(folder.path, 'lab.pid'), left());
    const lock = new FolderLock(folder.path);
    expect(lock.acquire()).toBeUndefined();
    expect(readdirSync(folder.path)).toEqual(['lab.pid']);
    lock.release();
  });

  it('has one owner when many reach for it at once', async () => {
    writeFileSync(join(folder.path, 'lab.pid'), `${deadPid()}\n`);
    const script = `
      const { FolderLock } = await import(${JSON.stringify(new URL('../../../dist/cli/folder-lock.js', import.meta.url).href)});
      const owner = new FolderLock(process.argv[1]).acquire();
      console.log(owner === undefined ? 'mine' : 'other');
      process.stdin.resume();
      process.stdin.on('end', () => process.exit());`;
    const many = Array.from({ length: 8 }, () =>
      endsWithTest(
        spawn(process.execPath, ['--input-type=module', '-e', script, folder.path], {
          stdio: ['pipe', 'pipe', 'inherit'],
        }),
      ),
    );
    const answers = await Promise.all(
      many.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
    );
    expect(answers.filter((answer) => answer === 'mine')).toHaveLength(1);
    await Promise.all(
      many.map(async (child) => {
        child.stdin.end();
        await once(child, 'close');
      }),
    );
    expect(readdirSync(folder.path)).toEqual(['lab.pid']);
  });
});
