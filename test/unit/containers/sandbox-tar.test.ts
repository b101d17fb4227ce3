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
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
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

  it('with -m gives files the present time', async () => {
    makeTree();
    await run(['tar', '-xmf', '-', '-C', '/opt'], pack());
    const { out } = await run(['sh', '-c', 'stat -c %Y /opt/tree/file']);
    expect(Number(out.toString())).not.toBe(1_600_000_000);
  });

  it('writes no member outside of its folder', async () => {
    writeFileSync(join(folder, 'evil'), 'x');
    const archive = execFileSync('tar', ['-cPf', '-', '--transform', 's,^,../../,', '-C', folder, 'evil']);
    const { result, err } = await run(['tar', '-xf', '-', '-C', '/opt'], archive);
    expect([result, err]).toEqual([
      { kind: 'exit', code: 2 },
      "tar: Removing leading `../../' from member names\ntar: ../../evil: Member name contains '..'\n" +
        'tar: Exiting with failure status due to previous errors\n',
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

  it('ends where the archive ends, although its input continues', async () => {
    makeTree();
    const { stdout, stderr } = { stdout: collector(), stderr: collector() };
    const stdin = new PassThrough();
    const streams = { stdin, stdout: stdout.stream, stderr: stderr.stream };
    const command = ['tar', 'xvf', '-', '-C', '/opt'];
    const done = runtime.exec(
      { ...main, command, tty: false },
      { ...streams, signal: new AbortController().signal },
    );
    stdin.write(pack());
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    expect(stdout.bytes().toString()).toContain('tree/file\n');
    expect((await run(['cat', '/opt/tree/naïve'])).out.toString()).toBe('text');
  });

  it('packs and unpacks with gzip, in all usual forms of the options', async () => {
    const content = makeTree();
    for (const words of [
      ['xzf', '-', '-C', '/opt'],
      ['xzp', '-C', '/opt'],
      ['xz', '--directory=/opt'],
      ['--extract', '--file=-', '--gzip', '-C', '/opt'],
    ]) {
      const { result, err } = await run(['tar', ...words], pack('-z'));
      expect([result, err], words.join(' ')).toEqual([{ kind: 'exit', code: 0 }, '']);
      expect((await run(['cat', '/opt/tree/file'])).out.equals(content)).toBe(true);
      await run(['rm', '-rf', '/opt/tree']);
    }
    await run(['tar', 'x', '-C', '/opt'], pack());
    const packed = await run(['sh', '-c', 'cd /opt; tar czf - tree | cat']);
    expect(packed.result).toEqual({ kind: 'exit', code: 0 });
    const back = join(folder, 'back');
    mkdirSync(back);
    execFileSync('tar', ['-xzf', '-', '-C', back], { input: packed.out });
    expect(readFileSync(join(back, 'tree', 'file')).equals(content)).toBe(true);
  });

  it('keeps links that point out of their folder, and writes nothing through them', async () => {
    mkdirSync(join(folder, 'tree'));
    symlinkSync('/etc', join(folder, 'tree', 'out'));
    symlinkSync('../up', join(folder, 'tree', 'up'));
    await run(['tar', 'xf', '-', '-C', '/opt'], pack());
    const read = await run(['sh', '-c', 'readlink /opt/tree/out /opt/tree/up']);
    expect(read.out.toString()).toBe('/etc\n../up\n');
  });
});
