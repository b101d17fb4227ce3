import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ownerText } from '../../../src/lab/folder-owner.js';
import { createWorkFolder } from '../../../src/lab/work-folder.js';
import { endsWithTest } from '../../support/children.js';
import { once } from '../../support/waits.js';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'work-'));
  vi.stubEnv('TMPDIR', parent);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(parent, { recursive: true, force: true });
});

const [, ownStart = '', space = ''] = ownerText().split('\n');
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;

function folder(name: string, owner?: string): string {
  const path = join(parent, name);
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, 'frontend.sock'), '');
  if (owner !== undefined) writeFileSync(join(path, 'owner'), owner);
  return path;
}

describe('a lab that starts', () => {
  it('removes the folders of labs that were killed', async () => {
    folder('konnsim-dead01', `${deadPid}\n${ownStart}\n${space}\n`);
    folder('konnsim-reused', `${process.ppid}\n1\n${space}\n`);
    const made = await createWorkFolder();
    expect(readdirSync(parent).map((name) => join(parent, name))).toEqual([made.path]);
    await made.remove();
  });

  it.each([
    ['of a living lab', 'konnsim-living', ownerText()],
    ['of a lab of another container', 'konnsim-others', `${deadPid}\n1\npid:[1]\n`],
    ['of a lab that is just starting', 'konnsim-starts', undefined],
    ['of an owner that is not written yet', 'konnsim-writes', ''],
    ['of another name', 'konnsim-much-longer', `${deadPid}\n1\n${space}\n`],
  ])('keeps a folder %s', async (_what, name, owner) => {
    const path = folder(name, owner);
    await (await createWorkFolder()).remove();
    expect(readdirSync(path)).toContain('frontend.sock');
  });

  it('follows no link, neither to a folder nor to its owner file', async () => {
    const dead = `${deadPid}\n1\n${space}\n`;
    const target = folder('target', dead);
    symlinkSync(target, join(parent, 'konnsim-linked'));
    const path = folder('konnsim-link02');
    symlinkSync(join(target, 'owner'), join(path, 'owner'));
    const left = folder('konnsim-link03', dead);
    symlinkSync(target, join(left, 'inside'));
    await (await createWorkFolder()).remove();
    expect(readdirSync(target).sort()).toEqual(['frontend.sock', 'owner']);
    expect([existsSync(path), existsSync(left)]).toEqual([true, false]);
  });

  it('does not disturb others that start and remove at the same time', async () => {
    for (let count = 10; count < 40; count++) folder(`konnsim-dead${count}`, `${deadPid}\n1\n${space}\n`);
    const script = `
      const { createWorkFolder } = await import(${JSON.stringify(new URL('../../../dist/lab/work-folder.js', import.meta.url).href)});
      const { readdirSync } = await import('node:fs');
      const { path } = await createWorkFolder();
      console.log(readdirSync(path).length);
      process.stdin.resume();
      process.stdin.on('end', () => process.exit());`;
    const many = Array.from({ length: 4 }, () =>
      endsWithTest(
        spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['pipe', 'pipe', 'inherit'],
        }),
      ),
    );
    const answers = await Promise.all(
      many.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
    );
    expect(answers).toEqual(['1', '1', '1', '1']);
    expect(readdirSync(parent)).toHaveLength(4);
    await Promise.all(
      many.map(async (child) => {
        child.stdin.end();
        await once(child, 'close');
      }),
    );
    await (await createWorkFolder()).remove();
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe('a folder for temporary files', () => {
  it.each([
    ['that is not there', () => join(parent, 'no'), 'no such file'],
    [
      'that is a file',
      () => {
        writeFileSync(join(parent, 'file'), '');
        return join(parent, 'file');
      },
      'a file is where a folder should be',
    ],
  ])('%s is named, with the variable that says so', async (_what, where, cause) => {
    const path = where();
    vi.stubEnv('TMPDIR', path);
    await expect(createWorkFolder()).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: `no folder for temporary files in ${path}: ${cause}`,
      where: 'TMPDIR',
      hint: 'Set TMPDIR to a folder that exists and where you may write.',
    });
  });
});
