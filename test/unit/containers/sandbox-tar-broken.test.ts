import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { field, paxed, tarEnd, tarMember } from '../../support/tar-archives.js';
import { run, sandbox, sh } from './support.js';

const file = tarMember('f', 'abc');
const sized = (size: string | Buffer): Buffer =>
  Buffer.concat([tarMember('f', 'abc', { [field.size]: size }), tarEnd]);
const link = (name: string, target: string, type = '2'): Buffer =>
  tarMember(name, '', { [field.type]: type, [field.link]: target });
const broken = Buffer.from(file);
broken[0] = 0x58;
const minusOne = Buffer.alloc(12, 0xff);
const base256 = (last: number[]): Buffer =>
  Buffer.from([0x80, ...Array<number>(11 - last.length).fill(0), ...last]);

/** Broken or unusual archives, by their description. */
const archives: Readonly<Record<string, Buffer>> = {
  'no byte': Buffer.alloc(0),
  'empty blocks only': tarEnd,
  'no archive': Buffer.alloc(2000, 'x'),
  'gzip without -z': gzipSync(file),
  'a header that is cut': file.subarray(0, 300),
  'no end mark': file,
  'one empty block': Buffer.concat([file, tarEnd.subarray(0, 512), tarMember('g'), tarEnd]),
  'a wrong checksum first': Buffer.concat([broken, tarMember('g', 'x'), tarEnd]),
  'a wrong checksum in the middle': Buffer.concat([tarMember('g', 'x'), broken, file, tarEnd]),
  'a length with an exponent': paxed('1e-300 path=x\n'),
  'a size with a fraction': paxed('12 size=1.5\n'),
  'a negative size': paxed('11 size=-1\n'),
  'a size with an exponent': paxed('12 size=1e3\n'),
  'a record without a length': paxed('path=x\n'),
  'a record of length 0': paxed('0 path=x\n'),
  'a record without =': paxed('8 pathx\n'),
  'a record without a newline': paxed('10 path=xy'),
  'a good record': paxed('10 path=q\n'),
  'a size in binary': sized(base256([3])),
  'a huge size in binary': sized(Buffer.from([0x80, ...Array<number>(11).fill(0x7f)])),
  'a negative size in binary': sized(minusOne),
  'a size with letters': sized('12x45678901'),
  'a type that is not known': Buffer.concat([tarMember('f', 'abc', { [field.type]: 'Q' }), tarEnd]),
  'a hard link to nothing': Buffer.concat([link('f', 'gone', '1'), tarEnd]),
  'a hard link': Buffer.concat([tarMember('g', 'x'), link('f', 'g', '1'), tarEnd]),
  'a member behind an absolute link': Buffer.concat([link('l', '/tmp'), tarMember('l/evil', 'x'), tarEnd]),
  'a member behind a link to nothing': Buffer.concat([link('l', 'sub'), tarMember('l/evil', 'x'), tarEnd]),
  'a name with ..': Buffer.concat([tarMember('a/../../evil', 'x'), tarMember('ok', 'y'), tarEnd]),
  'an absolute name': Buffer.concat([tarMember('/f', 'x'), tarEnd]),
};

describe('an archive that is broken or unusual', () => {
  let runtime: SandboxRuntime;
  let folder = '';
  beforeEach(() => {
    ({ runtime } = sandbox());
    folder = mkdtempSync(join(tmpdir(), 'konnsim-tar-'));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await runtime.close();
  });
  const tree = 'find . | sort; for f in $(find . -type f | sort); do cat $f; done';

  it.each(Object.entries(archives))('is handled as by GNU tar: %s', async (_, input) => {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    const real = spawnSync('tar', ['xf', '-'], { input, cwd: folder, env });
    const realTree = spawnSync('sh', ['-c', tree], { cwd: folder, env });
    const got = await sh(runtime, 'mkdir /w; cd /w; tar xf -', input);
    expect({ code: got.result, err: got.err }).toEqual({
      code: { kind: 'exit', code: real.status },
      err: real.stderr.toString(),
    });
    expect((await sh(runtime, `cd /w; ${tree}`)).out).toBe(realTree.stdout.toString());
  });

  it('fails, and says what is missing, where content is cut', async () => {
    const { result, err } = await run(runtime, ['tar', 'xf', '-'], tarMember('f', 'abc').subarray(0, 514));
    expect(result).toEqual({ kind: 'exit', code: 2 });
    expect(err).toBe('tar: Unexpected EOF in archive\ntar: Error is not recoverable: exiting now\n');
  });

  it('fails where it needs what the sandbox does not have: devices, sparse files, other compressions', async () => {
    const device = Buffer.concat([tarMember('d', '', { [field.type]: '3' }), file, tarEnd]);
    expect((await run(runtime, ['tar', 'xvf', '-'], device)).err).toBe(
      'tar: d: Cannot mknod: Operation not permitted\ntar: Exiting with failure status due to previous errors\n',
    );
    const sparse = await run(runtime, ['tar', 'xf', '-'], paxed('22 GNU.sparse.major=1\n'));
    expect(sparse).toMatchObject({ result: { code: 2 } });
    expect(sparse.err).toContain('tar: f: a sparse file: this is a limit of the sandbox\n');
    expect(await run(runtime, ['tar', 'xJf', '-'], file)).toMatchObject({
      result: { code: 126 },
      err: 'tar: the option -J: this is a limit of the sandbox\n',
    });
  });

  it('uses no memory for a size that only the header claims', async () => {
    const before = process.memoryUsage().rss;
    const input = tarMember('f', 'abc', { [field.size]: '00777777777' });
    expect((await run(runtime, ['tar', 'xf', '-'], input)).result).toEqual({ kind: 'exit', code: 2 });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });
});
