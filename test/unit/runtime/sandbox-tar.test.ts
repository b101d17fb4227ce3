import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarJob } from '../../../src/kubelet-stub/runtime/commands/tar/arguments.js';
import type { SandboxRuntime } from '../../../src/kubelet-stub/runtime/sandbox-runtime.js';
import type { RemoteCommandResult } from '../../../src/streams/types.js';
import { main, sandbox } from './support.js';

interface Ran {
  readonly result: RemoteCommandResult;
  readonly out: Buffer;
  readonly err: string;
}

function collector(): { readonly stream: Writable; bytes(): Buffer } {
  const chunks: Buffer[] = [];
  const write = (chunk: Buffer, _encoding: unknown, done: () => void): void => {
    chunks.push(chunk);
    done();
  };
  return { stream: new Writable({ write }), bytes: () => Buffer.concat(chunks) };
}

describe('tar in the sandbox, against the real one', () => {
  let folder = '';
  let runtime: SandboxRuntime;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'konnsim-tar-'));
    ({ runtime } = sandbox());
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await runtime.close();
  });

  async function run(command: readonly string[], input?: Buffer): Promise<Ran> {
    const [stdout, stderr] = [collector(), collector()];
    const stdin = input === undefined ? undefined : Readable.from([input], { objectMode: false });
    const streams = { stdout: stdout.stream, stderr: stderr.stream, signal: new AbortController().signal };
    const request = { ...main, command, tty: false };
    const result = await runtime.exec(request, { ...streams, ...(stdin === undefined ? {} : { stdin }) });
    return { result, out: stdout.bytes(), err: stderr.bytes().toString() };
  }
  const longName = `${'folder/'.repeat(25)}${'n'.repeat(120)}`;
  const pack = (...options: string[]): Buffer =>
    execFileSync('tar', [...options, '-cf', '-', '-C', folder, 'tree'], { maxBuffer: 64 * 1024 * 1024 });

  function makeTree(): Buffer {
    const content = randomBytes(100_001);
    mkdirSync(join(folder, 'tree', longName, '..'), { recursive: true });
    mkdirSync(join(folder, 'tree', 'empty'));
    writeFileSync(join(folder, 'tree', 'file'), content, { mode: 0o640 });
    writeFileSync(join(folder, 'tree', 'nothing'), '');
    writeFileSync(join(folder, 'tree', 'naïve'), 'text');
    writeFileSync(join(folder, 'tree', longName), 'far');
    symlinkSync('file', join(folder, 'tree', 'link'));
    utimesSync(join(folder, 'tree', 'file'), 1_600_000_000, 1_600_000_000);
    return content;
  }

  it.each([['gnu'], ['pax'], ['ustar']])(
    'unpacks what a real tar packed as %s, and packs it the same',
    async (format) => {
      const content = makeTree();
      if (format === 'ustar') rmSync(join(folder, 'tree', 'folder'), { recursive: true });
      expect(await run(['tar', '-xf', '-', '-C', '/opt'], pack(`--format=${format}`))).toMatchObject({
        result: { kind: 'exit', code: 0 },
        err: '',
      });
      const packed = await run(['tar', 'cf', '-', '/opt/tree']);
      expect(packed).toMatchObject({
        result: { kind: 'exit', code: 0 },
        err: "tar: Removing leading `/' from member names\n",
      });
      expect(packed.out.length % 10_240).toBe(0);
      const back = join(folder, 'back');
      mkdirSync(back);
      execFileSync('tar', ['-xf', '-', '-C', back], { input: packed.out });
      execFileSync('diff', ['-r', '--no-dereference', join(folder, 'tree'), join(back, 'opt', 'tree')]);
      expect(readFileSync(join(back, 'opt', 'tree', 'file'))).toEqual(content);
      expect(readlinkSync(join(back, 'opt', 'tree', 'link'))).toBe('file');
      const { mode, mtimeMs } = statSync(join(back, 'opt', 'tree', 'file'));
      expect([mode & 0o777, mtimeMs]).toEqual([0o640, 1_600_000_000_000]);
    },
  );

  it('with -m gives files the time of now', async () => {
    makeTree();
    await run(['tar', '-xmf', '-', '-C', '/opt'], pack());
    const { out } = await run(['sh', '-c', 'stat -c %Y /opt/tree/file']);
    expect(Number(out.toString())).not.toBe(1_600_000_000);
  });

  it('fails on an archive that is cut, on one that is none, and on a folder that is not there', async () => {
    makeTree();
    const archive = pack();
    const cases = [
      [archive.subarray(0, archive.indexOf('tree/file') + 5000), '/opt', 'tar: Unexpected EOF in archive\n'],
      [Buffer.alloc(2000, 'x'), '/opt', 'tar: This does not look like a tar archive\n'],
      [
        archive,
        '/none',
        'tar: /none: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now\n',
      ],
    ] as const;
    for (const [input, target, err] of cases) {
      expect(await run(['tar', '-xf', '-', '-C', target], input)).toMatchObject({ result: { code: 2 }, err });
    }
  });

  it('leads no member out of its folder', async () => {
    writeFileSync(join(folder, 'evil'), 'x');
    const archive = execFileSync('tar', ['-cPf', '-', '--transform', 's,^,../../,', '-C', folder, 'evil']);
    const { result, err } = await run(['tar', '-xf', '-', '-C', '/opt'], archive);
    expect([result, err]).toEqual([
      { kind: 'exit', code: 2 },
      "tar: ../../evil: Member name contains '..'\n",
    ]);
    const { out } = await run(['sh', '-c', 'ls /evil 2>/dev/null; ls /opt']);
    expect(out.toString()).toBe('');
  });

  it('says which file it cannot pack, and packs the others', async () => {
    await run(['sh', '-c', 'echo hi > /tmp/here']);
    const { result, out, err } = await run(['tar', 'cf', '-', '/tmp/gone', '/tmp/here']);
    expect(result).toEqual({ kind: 'exit', code: 2 });
    expect(err).toContain('tar: /tmp/gone: Cannot stat: No such file or directory\n');
    expect(execFileSync('tar', ['-tf', '-'], { input: out }).toString()).toBe('tmp/here\n');
  });

  it('leaves all other uses to the shell library', () => {
    for (const line of [
      '-czf - a',
      '-xf file',
      '-tf -',
      '-cf -',
      '-xf - member',
      '-xcf - a',
      '-xf - --strip 1',
      '',
    ]) {
      expect(tarJob(line.split(' ')), line).toBeUndefined();
    }
    expect(tarJob(['--no-same-permissions', '--no-same-owner', '-xmf', '-', '-C', '/x'])).toEqual({
      kind: 'extract',
      folder: '/x',
      keepTimes: false,
    });
  });
});
