import { createHash } from 'node:crypto';
import { PassThrough, Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { main, noise, run, sandbox, settled, sh } from './support.js';

const sizeBytes = 20 * 1024 * 1024;
const input = noise(sizeBytes);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const expected = sha256(input);

let runtime: SandboxRuntime;
beforeAll(() => {
  ({ runtime } = sandbox());
});
afterAll(() => runtime.close());

describe('20 MiB', () => {
  it('come back unchanged from cat', async () => {
    const { bytes, result } = await run(runtime, ['cat'], input);
    expect(result).toEqual({ kind: 'exit', code: 0 });
    expect(bytes.length).toBe(sizeBytes);
    expect(sha256(bytes)).toBe(expected);
  });

  it.each([
    ['sh -c cat', 'cat'],
    ['a script that is not only streaming commands', 'x=1; cat'],
    ['a pipe between streaming commands', 'cat | tee /tmp/copy | cat'],
    ['a file', 'cat > /tmp/file; cat /tmp/file'],
    ['a file written by the interpreter', 'x=f; cat > /tmp/$x; cat < /tmp/$x'],
  ])('go through %s and come back the same', async (_, script) => {
    const { bytes, err } = await sh(runtime, script, input);
    expect(err).toBe('');
    expect(sha256(bytes)).toBe(expected);
  });

  it('go through tar both ways', async () => {
    const archive = await sh(runtime, 'cat > /tmp/t && tar cf - /tmp/t', input);
    await run(runtime, ['tar', '-xmf', '-', '-C', '/srv'], archive.bytes);
    expect((await run(runtime, ['sha256sum', '/srv/tmp/t'])).out).toBe(`${expected}  /srv/tmp/t\n`);
  });

  it('can be counted and summed on the way in', async () => {
    expect((await sh(runtime, 'cat | wc -c', input)).out).toBe(`${sizeBytes}\n`);
    expect((await run(runtime, ['wc', '-c'], input)).out).toBe(`${sizeBytes}\n`);
    expect((await run(runtime, ['sha256sum'], input)).out).toBe(`${expected}  -\n`);
    expect((await run(runtime, ['md5sum'], input)).out).toBe(
      `${createHash('md5').update(input).digest('hex')}  -\n`,
    );
    expect((await sh(runtime, 'x=1; sha256sum', input)).out).toBe(`${expected}  -\n`);
  });

  it('can be generated', async () => {
    const zeros = await run(runtime, ['head', '-c', String(sizeBytes), '/dev/zero']);
    expect(sha256(zeros.bytes)).toBe(sha256(Buffer.alloc(sizeBytes)));
    const dd = await run(runtime, ['dd', 'if=/dev/zero', 'bs=1M', 'count=20']);
    expect(dd).toMatchObject({ err: `20+0 records in\n20+0 records out\n${sizeBytes} bytes copied\n` });
    expect(dd.bytes.length).toBe(sizeBytes);
  });
});

describe('a full file system', () => {
  it('fails the command; the container keeps running', async () => {
    const box = sandbox();
    const full = await run(box.runtime, ['dd', 'if=/dev/zero', 'of=/tmp/full', 'bs=1M', 'count=300']);
    expect(full.result).toEqual({ kind: 'exit', code: 1 });
    expect(full.err).toMatch(/^dd: .*limit/);
    await sh(box.runtime, 'rm /tmp/full; echo room > /tmp/f');
    expect((await run(box.runtime, ['cat', '/tmp/f'])).out).toBe('room\n');
    await box.runtime.close();
  }, 60_000);
});

describe('binary input', () => {
  it('stays the same in pipes of the shell library', async () => {
    const part = input.subarray(0, 300_000);
    const { bytes } = await sh(runtime, 'x=1; cat | gzip -c | base64 | base64 -d | gunzip -c', part);
    expect(bytes.equals(part)).toBe(true);
    expect((await sh(runtime, 'gzip -c | gunzip -c', part)).bytes.equals(part)).toBe(true);
  });
});

describe('back pressure', () => {
  /** An endless input that counts what was taken from it. */
  function counted(): { source: Readable; taken: () => number } {
    let taken = 0;
    const source = new Readable({
      read() {
        taken += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    return { source, taken: () => taken };
  }

  it.each([
    ['cat', ['cat']],
    ['a pipeline', ['sh', '-c', 'cat | tee /dev/null | cat']],
  ])('of a reader that stops reaches the input of %s', async (_, command) => {
    const { source, taken } = counted();
    const stdout = new Writable({ highWaterMark: 65_536, write: () => undefined });
    const client = new AbortController();
    const done = runtime.exec(
      { ...main, command, tty: false },
      { stdin: source, stdout, signal: client.signal },
    );
    await settled();
    for (let turn = 0; turn < 200; turn++) await settled();
    expect(taken()).toBeLessThan(1024 * 1024);
    client.abort();
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 137 });
  });

  it('blocks a command whose reader has left until the container ends', async () => {
    const stdout = new PassThrough();
    const done = runtime.exec(
      { ...main, command: ['yes'], tty: false },
      { stdout, signal: new AbortController().signal },
    );
    await settled();
    stdout.destroy();
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 137 });
  });
});

describe('any input', () => {
  it('leaves a pipeline unchanged, in every way that the shell runs it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
        fc.constantFrom(
          'cat',
          'cat | cat',
          'x=1; cat',
          'x=1; cat | cat',
          '{ cat; }',
          'cat > /tmp/p; x=1; cat /tmp/p',
        ),
        async (chunks, script) => {
          const stdin = Readable.from(chunks, { objectMode: false });
          const out: Buffer[] = [];
          const stdout = new PassThrough().on('data', (chunk: Buffer) => out.push(chunk));
          const streams = { stdin, stdout, signal: new AbortController().signal };
          await runtime.exec({ ...main, command: ['sh', '-c', script], tty: false }, streams);
          await settled();
          expect(Buffer.concat(out).equals(Buffer.concat(chunks))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
