import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProcessRuntime } from '../../../src/containers/process/process-runtime.js';
import { once, soon } from '../../support/waits.js';
import { podOf, processesWith, ref, run, sh, startProcesses } from './process-support.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
}

/** A container for one test, which may end it. */
async function withOwn(use: (runtime: ProcessRuntime) => Promise<void>): Promise<void> {
  const own = await startProcesses(podOf({}));
  try {
    await use(own);
  } finally {
    await own.close();
  }
}

async function restarted(runtime: ProcessRuntime): Promise<void> {
  const status = () => runtime.listPods()[0]?.status.containerStatuses[0];
  const restartCount = (status()?.restartCount ?? 0) + 1;
  runtime.restartContainer(ref);
  await expect.poll(status).toMatchObject({ restartCount, ready: true });
}

describe('exec in the process runtime', () => {
  let runtime: ProcessRuntime;
  beforeAll(async () => {
    const env = [
      { name: 'COLOUR', value: 'green' },
      { name: 'LEAF', value: '$(COLOUR)-leaf $$(COLOUR) $(NONE)' },
    ];
    runtime = await startProcesses(podOf({ env, workingDir: '/app' }));
  });
  afterAll(() => runtime.close());

  it('gives output, error output and exit code of a real process', async () => {
    const ran = await run(runtime, sh('echo out; echo err >&2; exit 3'));
    expect(ran).toEqual({ result: { kind: 'exit', code: 3 }, out: 'out\n', err: 'err\n' });
  });

  it.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])('turns death by SIG%s into exit code %d', async (signal, code) => {
    expect((await run(runtime, sh(`kill -${signal} $$`))).result).toEqual({ kind: 'exit', code });
  });

  it('has the variables of the spec and a few more, but not those of the host', async () => {
    process.env['KONNSIM_TEST_SECRET'] = 'leaked';
    const { out } = await run(runtime, ['env']);
    delete process.env['KONNSIM_TEST_SECRET'];
    const names = out
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
      .toSorted((a = '', b = '') => (a < b ? -1 : 1));
    expect(names.filter((name) => name !== 'PWD' && !name?.startsWith('KUBERNETES_'))).toEqual([
      'COLOUR',
      'HOME',
      'HOSTNAME',
      'KONNSIM_CONTAINER',
      'LEAF',
      'PATH',
    ]);
    expect(out).toContain('HOSTNAME=web-0\n');
    expect(out).toContain('LEAF=green-leaf $(COLOUR) $(NONE)\n');
  });

  it('works in its own folder, which other users cannot enter', async () => {
    const { out } = await run(runtime, ['pwd']);
    expect(out.trim()).toMatch(new RegExp(`^${runtime.folder}/.*/app$`));
    expect((await stat(runtime.folder)).mode & 0o777).toBe(0o700);
    expect((await stat(`${out.trim()}/..`)).mode & 0o777).toBe(0o700);
  });

  it.each([
    [['no-such-program'], 'exec: "no-such-program": executable file not found in $PATH: unknown'],
    [['/no/such'], 'exec: "/no/such": stat /no/such: no such file or directory: unknown'],
    [['/tmp'], 'exec: "/tmp": is a directory: unknown'],
    [['/etc/passwd'], 'exec: "/etc/passwd": permission denied: unknown'],
  ])('says of %j what a container runtime says', async (command, text) => {
    const { result } = await run(runtime, command);
    expect(result).toEqual({ kind: 'error', message: expect.stringContaining(text) });
  });

  it('streams 20 MiB through a process, with every byte unchanged', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    const stdout = new Collector();
    const stdin = Readable.from([bytes]).pipe(new PassThrough());
    const signal = new AbortController().signal;
    const result = await runtime.exec({ ...ref, command: ['cat'], tty: false }, { stdin, stdout, signal });
    expect(result).toEqual({ kind: 'exit', code: 0 });
    expect(sha256(Buffer.concat(stdout.chunks))).toBe(sha256(bytes));
  });

  it('stops a process that writes faster than the client reads', () =>
    withOwn(async (own) => {
      let taken = 0;
      let take: () => void = () => undefined;
      const stdout = new Writable({
        highWaterMark: 1024,
        write(chunk: Buffer, _encoding, done) {
          taken += chunk.length;
          take = done;
        },
      });
      const abort = new AbortController();
      const script = 'yes KONNSIM_FAST | head -c 10000000; echo done > /dev/null';
      const running = own.exec({ ...ref, command: sh(script), tty: false }, { stdout, signal: abort.signal });
      await expect.poll(() => taken).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(taken).toBeLessThan(200_000);
      expect(await processesWith('KONNSIM_FAST')).not.toEqual([]);
      abort.abort();
      take();
      // Without a reader it waits until the container ends.
      expect(await processesWith('KONNSIM_FAST')).not.toEqual([]);
      await restarted(own);
      expect(await running).toEqual({ kind: 'exit', code: 137 });
    }));

  it('continues when the process does not read its input to the end', async () => {
    const stdin = Readable.from([Buffer.alloc(5_000_000, 'x')]);
    expect(await run(runtime, ['head', '-c', '3'], { stdin })).toMatchObject({
      result: { kind: 'exit', code: 0 },
      out: 'xxx',
    });
    const rest = Readable.from([Buffer.alloc(5_000_000, 'x')]);
    await run(runtime, ['true'], { stdin: rest });
    await expect.poll(() => rest.readableEnded).toBe(true);
  });

  it.each([
    ['echo a > /dev/stdout; echo b > /dev/stderr; echo c >> /proc/self/fd/1', '', 'a\nc\n', 'b\n'],
    ['cat /dev/stdin', 'typed\n', 'typed\n', ''],
    ['tee /dev/stderr', 'twice\n', 'twice\n', 'twice\n'],
    ['sh -c "echo from a child > /proc/$$/fd/2"', '', '', 'from a child\n'],
    ['exec 3<>/dev/stdout; exec >&-; echo kept >&3', '', 'kept\n', ''],
    ['wc -c; echo over', 'x'.repeat(3_000_000), '3000000\nover\n', ''],
  ])('has pipes, as containers have: %s', async (script, input, out, err) => {
    const stdin = Readable.from([Buffer.from(input)]);
    const ran = await run(runtime, sh(script), { stdin });
    expect(ran).toEqual({ result: { kind: 'exit', code: 0 }, out, err });
  });

  it('leaves no descriptor of a pipe open', async () => {
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    await run(runtime, ['true'], { stdin: Readable.from([Buffer.from('x')]) });
    const before = await open();
    for (let turn = 0; turn < 20; turn++)
      await run(runtime, ['true'], { stdin: Readable.from([Buffer.from('x')]) });
    await expect.poll(open).toBeLessThanOrEqual(before);
  });

  it.each([false, true])(
    'keeps a command running when its client leaves, with a terminal: %s',
    async (tty) => {
      const abort = new AbortController();
      const { out: home } = await run(runtime, ['pwd']);
      const script = 'trap "echo hup >> left" HUP; echo $$; sleep 0.2; echo lost; echo done >> left';
      const stdin = new PassThrough();
      const stdout = new PassThrough().on('error', () => undefined);
      const streams = { stdin, stdout, signal: abort.signal };
      const running = runtime.exec({ ...ref, command: sh(script), tty }, streams);
      await once(stdout, 'data');
      for (const stream of [stdin, stdout]) stream.destroy();
      abort.abort();
      expect(await running).toEqual({ kind: 'exit', code: 0 });
      expect(await readFile(`${home.trim()}/left`, 'utf8')).toBe('done\n');
      await run(runtime, ['rm', 'left']);
    },
  );

  it('gives a command everything that its client sent before it left, then the end of input', async () => {
    const bytes = randomBytes(1024 * 1024);
    const { out: home } = await run(runtime, ['pwd']);
    const script = 'sleep 0.1; cat > one; sleep 0.1; echo more >> one';
    for (const leaves of ['before', 'after'] as const) {
      const abort = new AbortController();
      const stdin = Readable.from([bytes]);
      if (leaves === 'before') abort.abort();
      const running = runtime.exec(
        { ...ref, command: sh(script), tty: false },
        { stdin, signal: abort.signal },
      );
      abort.abort();
      expect(await running).toEqual({ kind: 'exit', code: 0 });
      const expected = Buffer.concat([bytes, Buffer.from('more\n')]);
      expect((await readFile(`${home.trim()}/one`)).equals(expected)).toBe(true);
    }
  });

  it('ends a command without a client when the container ends', () =>
    withOwn(async (own) => {
      const abort = new AbortController();
      const running = run(own, sh('sleep 98761 & sleep 98761; true'), { signal: abort.signal });
      await expect.poll(() => processesWith('sleep\u000098761')).toHaveLength(2);
      abort.abort();
      await restarted(own);
      expect((await running).result).toEqual({ kind: 'exit', code: 137 });
      expect(await processesWith('sleep\u000098761')).toEqual([]);
    }));

  it('kills the process group of a command that ends with its client', async () => {
    const abort = new AbortController();
    const request = {
      ...ref,
      command: sh('sleep 98762 & sleep 98762; true'),
      tty: false,
      endsWithClient: true,
    };
    const running = runtime.exec(request, { signal: abort.signal });
    await expect.poll(() => processesWith('sleep\u000098762')).toHaveLength(2);
    abort.abort();
    expect(await running).toEqual({ kind: 'exit', code: 137 });
    await expect.poll(() => processesWith('sleep\u000098762')).toEqual([]);
  });

  it('writes files only in its folder', async () => {
    await run(runtime, sh('echo x > relative'));
    const { out } = await run(runtime, ['pwd']);
    expect(existsSync(`${out.trim()}/relative`)).toBe(true);
  });
});

describe('a terminal in the process runtime', () => {
  let runtime: ProcessRuntime;
  beforeAll(async () => {
    runtime = await startProcesses(podOf({}));
  });
  afterAll(() => runtime.close());

  it('is a real one, with the size of the client’s terminal', async () => {
    async function* sizes(): AsyncGenerator<{ width: number; height: number }> {
      yield { width: 101, height: 33 };
    }
    const ran = await run(runtime, sh('sleep 0.2; test -t 0 && test -t 1 && stty size; echo $TERM'), {
      tty: true,
      resize: sizes(),
      stdin: new PassThrough(),
    });
    expect(ran).toMatchObject({ result: { kind: 'exit', code: 0 }, out: '33 101\r\nxterm\r\n' });
  });

  it('turns typed ^C into an interrupt', async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    let out = '';
    const ready = soon<void>((resolve) => {
      stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('ready\r\n')) resolve();
      });
    }, 'ready command');
    const script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done';
    const { signal } = new AbortController();
    const running = runtime.exec({ ...ref, command: sh(script), tty: true }, { stdin, stdout, signal });
    await ready;
    stdin.write('\x03');
    expect(await running).toEqual({ kind: 'exit', code: 9 });
    expect(out).toContain('caught');
  });

  it('loses nothing that was written just before the end, however slow the reader', async () => {
    const lines = 30_000;
    let received = '';
    const stdout = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        received += chunk.toString();
        setTimeout(done, received.length < 20_000 ? 60 : 0);
      },
    });
    const { signal } = new AbortController();
    const result = await runtime.exec(
      { ...ref, command: ['seq', String(lines)], tty: true },
      { stdout, signal },
    );
    expect(result).toEqual({ kind: 'exit', code: 0 });
    expect(received).toBe(Array.from({ length: lines }, (_, index) => `${index + 1}\r\n`).join(''));
  });

  it('ends with its process, although another process holds the terminal', async () => {
    const { result, out } = await run(runtime, sh('trap "" HUP; sleep 98762 & echo started; exit 4'), {
      tty: true,
    });
    expect([result, out]).toEqual([{ kind: 'exit', code: 4 }, 'started\r\n']);
  });

  it('is refused with a clear text where the library is missing', async () => {
    const loadTerminals = async (): Promise<never> => {
      const { loadTerminalLibrary } = await import('../../../src/containers/process/terminal-child.js');
      return loadTerminalLibrary(() => Promise.reject(new Error('not found'))) as Promise<never>;
    };
    const other = await startProcesses(podOf({}), { loadTerminals });
    const { result } = await run(other, ['true'], { tty: true });
    expect(result).toMatchObject({ kind: 'error', message: expect.stringContaining('@lydell/node-pty') });
    await other.close();
  });
});
