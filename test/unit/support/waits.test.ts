import { spawn } from 'node:child_process';
import { EventEmitter, once as onceOf } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { childrenOfThis, endsWithTest, printed } from '../../support/children.js';
import { each, eventually, once, soon, until, within } from '../../support/waits.js';

const short = { withinMs: 20 };
const never = new Promise<never>(() => undefined);

describe('a wait that is in vain', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a promise',
      () => within(never, 'rain', { ...short, seen: () => ['sun'] }),
      /^no rain .* was \["sun"\]$/,
    ],
    ['a callback', () => soon(() => undefined, 'call', short), /^no call within 20 ms$/],
    [
      'an event',
      () => once(new PassThrough(), 'close', short),
      /^no 'close' of PassThrough .*"closed":false/,
    ],
    ['a condition', () => until(() => childrenOfThis().size < 0, short), /^not so within 20 ms: /],
    ['work that fails', () => eventually(() => Promise.reject(new Error('still')), short), /^still$/],
  ])('for %s ends, and says for what it was and what there was', async (_what, wait, message) => {
    await expect(wait()).rejects.toThrow(message);
  });

  it('for the next part of a stream ends as well', async () => {
    const stream = new PassThrough({ objectMode: true });
    stream.write('first');
    const read: unknown[] = [];
    const all = async (): Promise<void> => {
      for await (const part of each(stream, 'part', short)) read.push(part);
    };
    await expect(all()).rejects.toThrow(/^no part within 20 ms; there was 1 parts$/);
    expect(read).toEqual(['first']);
  });

  it('for an event leaves no listener, and fails nothing when nobody hears of it', async () => {
    const emitter = new EventEmitter();
    void once(emitter, 'never', short);
    await eventually(() => expect(emitter.eventNames()).toEqual([]));
  });

  it('for words of a program says what it printed instead', async () => {
    const child = endsWithTest(spawn('sh', ['-c', 'echo hello; exec sleep 1000']));
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    const program = { name: 'sh', child, ended: onceOf(child, 'close'), output: () => text };
    await printed(program, /hello/);
    const waiting = printed(program, /bye/);
    child.kill('SIGKILL');
    await expect(waiting).rejects.toThrow('sh ended without printing /bye/; it printed:\nhello\n');
  });
});

describe('a program that a test started', () => {
  const sleeps = (): string[] =>
    [...childrenOfThis().values()].filter((command) => command === 'sleep 24680');

  it.fails('runs while the test does, and may be left running by a failure', () => {
    endsWithTest(spawn('sleep', ['24680']));
    throw new Error('the test fails');
  });

  it('is gone when the next one begins', () => {
    expect(sleeps()).toEqual([]);
  });

  afterAll(() => expect(sleeps()).toEqual([]));
});
