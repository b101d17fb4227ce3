import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDocument, readText, readTextSync } from '../../../src/pki/read-files.js';
import { endsWithTest } from '../../support/children.js';
import { once } from '../../support/waits.js';

const mebibyte = 1024 * 1024;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'konnsim-read-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function fifo(): string {
  execFileSync('mkfifo', [at('fifo')]);
  return at('fifo');
}

async function bigFile(sizeBytes: number): Promise<string> {
  await writeFile(at('big'), '');
  await truncate(at('big'), sizeBytes);
  return at('big');
}

async function socketFile(): Promise<string> {
  const server = createServer();
  await once(server.listen(at('socket')), 'listening');
  server.unref();
  return at('socket');
}

const readers = [
  ['readText', readText],
  ['readTextSync', async (path: string) => readTextSync(path)],
] as const;

describe.each(readers)('%s', (_name, read) => {
  it('reads a regular file, also behind links', async () => {
    await writeFile(at('file'), 'text');
    await symlink('file', at('link'));
    await symlink('link', at('second'));
    expect([await read(at('file')), await read(at('second'))]).toEqual(['text', 'text']);
  });

  it('reads a file of 1 MiB', async () => {
    expect((await read(await bigFile(mebibyte))).length).toBe(mebibyte);
  });

  it('reads a file that does not say how long it is', async () => {
    expect(await read('/proc/self/status')).toMatch(/^Name:/);
  });

  it.each([
    ['a file of more than 1 MiB', () => bigFile(mebibyte + 1), 'larger than 1 MiB'],
    ['a device without an end', async () => '/dev/zero', 'not a regular file but a device'],
    ['a FIFO that nothing writes to', async () => fifo(), 'not a regular file but a FIFO'],
    ['a Unix socket', socketFile, 'not a regular file but a Unix socket, or a device that is not there'],
    ['a folder', async () => folder, 'is a folder'],
    ['what is not there', async () => at('no'), 'no such file'],
    ['a link that leads nowhere', async () => (await symlink('no', at('link')), at('link')), 'no such file'],
  ])('refuses %s at once', async (_what, make, reason) => {
    const path = await make();
    await expect(read(path)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${path}: ${reason}`,
      where: path,
    });
  });
});

describe('readDocument', () => {
  it('reads a regular file', async () => {
    await writeFile(at('file'), 'text');
    expect(await readDocument(at('file'))).toBe('text');
  });

  it('reads what a FIFO brings, also when its writer comes later, until its end', async () => {
    const path = fifo();
    const reading = readDocument(path);
    const writer = endsWithTest(
      spawn('sh', ['-c', `{ echo one; echo two; } > ${path}`], { stdio: 'ignore' }),
    );
    expect(await reading).toBe('one\ntwo\n');
    if (writer.exitCode === null) await once(writer, 'exit');
  });

  it('gives up a pipe of more than 1 MiB', async () => {
    const path = fifo();
    const reading = readDocument(path);
    const writer = endsWithTest(spawn('sh', ['-c', `exec cat /dev/zero > ${path}`], { stdio: 'ignore' }));
    await expect(reading).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${path}: larger than 1 MiB`,
    });
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  });

  it('gives up a pipe that brings nothing when it is interrupted', async () => {
    const interruption = new AbortController();
    const path = fifo();
    const late = readDocument(path, interruption.signal);
    interruption.abort();
    const message = `${path}: was not read to its end: interrupted`;
    await expect(late).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message });
    await expect(readDocument(path, AbortSignal.abort())).rejects.toMatchObject({ message });
  });

  it('refuses a Unix socket', async () => {
    await expect(readDocument(await socketFile())).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('a Unix socket'),
    });
  });

  it.each([
    ['/dev/zero', 'not a regular file but a device'],
    ['/nowhere', 'no such file'],
  ])('refuses %s', async (path, reason) => {
    await expect(readDocument(path)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${path}: ${reason}`,
    });
  });
});
