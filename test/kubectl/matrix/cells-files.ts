import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Cell, type CellBench, sha256, succeed } from './cell.js';

const sizeBytes = 57 * 1024 * 1024;
const far = (bench: CellBench): string => `/tmp/${bench.name('big')}`;

async function farSum(bench: CellBench, path: string): Promise<string> {
  const [sum = ''] = (await succeed(bench, ['exec', 'web-1', '--', 'sha256sum', path])).split(' ');
  return sum;
}

async function sendFile(bench: CellBench): Promise<void> {
  const bytes = randomBytes(sizeBytes);
  const near = join(bench.folder, 'up');
  await writeFile(near, bytes);
  await succeed(bench, ['cp', near, `web-1:${far(bench)}`], { timeoutMs: 120_000 });
  expect(await farSum(bench, far(bench))).toBe(sha256(bytes));
  await rm(near);
}

const up: Cell = { name: 'cp up 57 MiB', stream: 'exec', run: sendFile };

const down: Cell = {
  name: 'cp down 57 MiB',
  stream: 'exec',
  async run(bench) {
    const path = far(bench);
    // The cell before leaves the file, unless it failed or was not selected.
    const there = await bench.kubectl.run(['exec', 'web-1', '--', 'test', '-f', path]);
    if (there.code !== 0) await sendFile(bench);
    const near = join(bench.folder, 'down');
    await succeed(bench, ['cp', `web-1:${path}`, near], { timeoutMs: 120_000 });
    const bytes = await readFile(near);
    expect([bytes.length, sha256(bytes)]).toEqual([sizeBytes, await farSum(bench, path)]);
    await succeed(bench, ['exec', 'web-1', '--', 'rm', path]);
    await rm(near);
  },
};

const directory: Cell = {
  name: 'cp directory',
  stream: 'exec',
  async run(bench) {
    const near = join(bench.folder, 'tree');
    await mkdir(join(near, 'deep', 'deeper'), { recursive: true });
    await writeFile(join(near, 'some'), randomBytes(300_000));
    await writeFile(join(near, 'deep', 'none'), '');
    await writeFile(join(near, 'deep', 'deeper', 'a name with spaces'), 'é\n');
    const path = `/tmp/${bench.name('tree')}`;
    await succeed(bench, ['cp', near, `web-1:${path}`]);
    const back = join(bench.folder, 'back');
    await succeed(bench, ['cp', `web-1:${path}`, back]);
    expect(await treeOf(back)).toEqual(await treeOf(near));
    await succeed(bench, ['exec', 'web-1', '--', 'rm', '-r', path]);
  },
};

/** Every file of a folder with its sum. */
async function treeOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const sums = await Promise.all(
    files.map(async (path) => [path.slice(folder.length), sha256(await readFile(path))] as const),
  );
  return Object.fromEntries(sums.sort(([a], [b]) => a.localeCompare(b)));
}

export const fileCells: readonly Cell[] = [up, down, directory];
