import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLog } from '../../../src/kubelet-stub/runtime/logs/log-reader.js';
import { LogStore } from '../../../src/kubelet-stub/runtime/logs/log-store.js';
import { collect, settled } from './support.js';

const never = new AbortController().signal;
const plain = { follow: false, timestamps: false } as const;

function store(limitBytes?: number): LogStore {
  return new LogStore({ now: () => 0, ...(limitBytes === undefined ? {} : { limitBytes }) });
}

describe('a log store', () => {
  it('keeps a last line that is not whole, and joins it when it is', async () => {
    const log = store();
    log.append('stdout', 'a\npart');
    expect(await collect(readLog(log, plain, never))).toBe('a\npart');
    log.append('stdout', 'ial\nb\n');
    expect(await collect(readLog(log, plain, never))).toBe('a\npartial\nb\n');
    const stamped = await collect(readLog(log, { ...plain, timestamps: true }, never));
    expect(stamped.match(/^1970-01-01T00:00:00\.000000000Z /gm)).toHaveLength(3);
    expect(await collect(readLog(log, { ...plain, tailLines: 2 }, never))).toBe('partial\nb\n');
  });

  it('drops its oldest lines beyond the limit, and nothing else', async () => {
    const log = store(100);
    for (let line = 0; line < 50; line++) log.append('stdout', `line ${line}\n`);
    const text = await collect(readLog(log, plain, never));
    expect(text.length).toBeLessThanOrEqual(100);
    expect(text).toMatch(/^line \d+\n/);
    expect(text.endsWith('line 48\nline 49\n')).toBe(true);
  });

  it('never waits for a reader, and a reader that was passed goes on with what is kept', async () => {
    const log = store(1000);
    log.append('stdout', 'first\n');
    const reader = readLog(log, { ...plain, follow: true }, never);
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toBe('first\n');
    for (let line = 0; line < 1000; line++) log.append('stderr', `${String(line).padStart(9, '0')}\n`);
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toMatch(/^000000900\n/);
    log.close();
    expect((await reader.next()).done).toBe(true);
  });

  it('hands a long log over in pieces', async () => {
    const log = store();
    for (let line = 0; line < 20_000; line++) log.append('stdout', `a line of some length ${line}\n`);
    const reader = readLog(log, plain, never);
    const { value } = await reader.next();
    expect(value?.length).toBeLessThan(64 * 1024);
    await reader.return();
  });

  it('holds no listener after a reader has left', async () => {
    const log = store();
    const leaving = new AbortController();
    const reader = readLog(log, { ...plain, follow: true }, leaving.signal);
    const next = reader.next();
    await settled();
    leaving.abort();
    expect((await next).done).toBe(true);
    expect(Reflect.get(log, 'listeners')).toHaveProperty('size', 0);
  });

  it('gives back what was put in, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 20 }).map((s) => s.replaceAll('x', '\n'))),
        async (parts) => {
          const log = store();
          for (const part of parts) log.append('stdout', part);
          expect(await collect(readLog(log, plain, never))).toBe(parts.join(''));
        },
      ),
    );
  });
});
