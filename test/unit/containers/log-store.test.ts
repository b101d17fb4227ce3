import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLog } from '../../../src/containers/logs/log-reader.js';
import { LogStore } from '../../../src/containers/logs/log-store.js';
import { collect, settled } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of this process's objects and buffers that are in use. */
function usedMemory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const never = new AbortController().signal;
const plain = { follow: false, timestamps: false } as const;

const limitBytes = 64_000;
const blockBytes = 65_536;

function store(limitBytes?: number): LogStore {
  return new LogStore({ now: () => 0, ...(limitBytes === undefined ? {} : { limitBytes }) });
}

/** The numbers from `from` on, one on each line. */
function numbers(from: number, end: number): string {
  return Array.from({ length: end - from }, (_, index) => `${from + index}\n`).join('');
}

/** Appends such lines, a few at a time. */
function count(log: LogStore, from: number, end: number): string {
  for (let at = from; at < end; at += 100) log.append('stdout', numbers(at, Math.min(end, at + 100)));
  return numbers(from, end);
}

describe('a log store', () => {
  it('keeps an incomplete last line, and joins it with its rest', async () => {
    const log = store();
    log.append('stdout', 'a\npart');
    expect(await collect(readLog(log, plain, never))).toBe('a\npart');
    log.append('stdout', 'ial\nb\n');
    expect(await collect(readLog(log, plain, never))).toBe('a\npartial\nb\n');
    const stamped = await collect(readLog(log, { ...plain, timestamps: true }, never));
    expect(stamped.match(/^1970-01-01T00:00:00\.000000000Z /gm)).toHaveLength(3);
    expect(await collect(readLog(log, { ...plain, tailLines: 2 }, never))).toBe('partial\nb\n');
  });

  it('drops only its oldest lines above the limit', async () => {
    const log = store(100);
    for (let line = 0; line < 50; line++) log.append('stdout', `line ${line}\n`);
    const text = await collect(readLog(log, plain, never));
    expect(text.length).toBeLessThanOrEqual(100);
    expect(text).toMatch(/^line \d+\n/);
    expect(text.endsWith('line 48\nline 49\n')).toBe(true);
  });

  it('never waits for a reader, and the reader sees no gap although it is behind', async () => {
    const log = store(limitBytes);
    const written = count(log, 0, 5000);
    const reader = readLog(log, { ...plain, follow: true }, never);
    const first = await reader.next();
    count(log, 5000, 30_000);
    log.close();
    const text = Buffer.from(first.value ?? []).toString() + (await collect(reader));
    expect(text).toBe(written + numbers(5000, 30_000));
  });

  it('is read as it was at the start of the read, without a gap, while it grows', async () => {
    const log = store(limitBytes);
    const written = count(log, 0, 5000);
    const reader = readLog(log, plain, never);
    const first = await reader.next();
    count(log, 5000, 20_000);
    expect(Buffer.from(first.value ?? []).toString() + (await collect(reader))).toBe(written);
  });

  it('fails a reader that is too far behind, and holds no more than its limit', async () => {
    const log = store(limitBytes);
    count(log, 0, 5000);
    const reader = readLog(log, { ...plain, follow: true }, never);
    await reader.next();
    const held = readLog(log, { ...plain, follow: true }, never);
    await held.next();
    count(log, 5000, 100_000);
    expect(log.heldBytes).toBeLessThanOrEqual(5 * limitBytes + blockBytes);
    await expect(collect(reader)).rejects.toMatchObject({ code: 'READER_TOO_SLOW' });
    await held.return();
    expect(log.heldBytes).toBeLessThanOrEqual(limitBytes + 2 * blockBytes);
  });

  it('begins with a whole line when its oldest output was dropped', async () => {
    for (const cutAt of [1, 7, 1000, 8191]) {
      const log = store(20_000);
      const output = Buffer.from(numbers(0, 20_000));
      for (let at = 0; at < output.length; at += cutAt) log.append('stdout', output.subarray(at, at + cutAt));
      const [first = ''] = (await collect(readLog(log, plain, never))).split('\n');
      expect(output.indexOf(`\n${first}\n`), `cut at ${cutAt}: ${first}`).toBeGreaterThan(0);
    }
  });

  it.each([20, 8000])('of 10 MiB in pieces of %i bytes takes at most 12 MiB', (size) => {
    let nowMs = 0;
    const log = new LogStore({ now: () => nowMs++ });
    const piece = Buffer.alloc(size, 'x').fill('\n', size - 1);
    for (let left = 11 * 1024 * 1024; left > 0; left -= size + 12) log.append('stdout', piece);
    expect(log.heldBytes).toBeGreaterThan(9 * 1024 * 1024);
    expect(log.heldBytes).toBeLessThan(12 * 1024 * 1024);
  });

  it('uses no more memory than it reports: short lines are not objects', () => {
    const before = usedMemory();
    const log = store();
    for (let line = 0; line < 500_000; line++) log.append('stdout', 'x'.repeat(9) + '\n');
    // One object for each line would take some ten times as much as the lines.
    expect(usedMemory() - before).toBeLessThan(2 * log.heldBytes);
    expect(log.usedBytes).toBe(5_000_000);
  });

  it('never cuts a line of one stream by the other', async () => {
    const log = store();
    log.append('stdout', 'one\ntw');
    log.append('stderr', 'bad');
    log.append('stdout', 'o\nthr');
    log.append('stderr', ' thing\n');
    expect(await collect(readLog(log, plain, never))).toBe('one\ntwo\nbad thing\nthr');
    log.append('stdout', 'ee\n');
    expect(await collect(readLog(log, plain, never))).toBe('one\ntwo\nbad thing\nthree\n');
    expect(await collect(readLog(log, { ...plain, stream: 'stderr' }, never))).toBe('bad thing\n');
  });

  it('shows a line that is too long in parts, with one time', async () => {
    let nowMs = 0;
    const log = new LogStore({ now: () => nowMs++ });
    const reader = readLog(log, { ...plain, timestamps: true, follow: true }, never);
    const stamp = '1970-01-01T00:00:00.002000000Z ';
    for (let part = 0; part < 3; part++) log.append('stdout', 'x'.repeat(8000));
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toBe(stamp + 'x'.repeat(24_000));
    log.append('stdout', 'end\n');
    log.close();
    expect(await collect(reader)).toBe('end\n');
  });

  it('gives a long log in pieces', async () => {
    const log = store();
    for (let line = 0; line < 20_000; line++) log.append('stdout', `a line of some length ${line}\n`);
    const reader = readLog(log, plain, never);
    const { value } = await reader.next();
    expect(value?.length).toBeLessThan(64 * 1024);
    await reader.return();
  });

  it('keeps no listener after a reader has left', async () => {
    const log = store();
    const leaving = new AbortController();
    const reader = readLog(log, { ...plain, follow: true }, leaving.signal);
    const next = reader.next();
    await settled();
    leaving.abort();
    expect((await next).done).toBe(true);
    expect(Reflect.get(log, 'listeners')).toHaveProperty('size', 0);
  });

  it('gives the last lines, for any pieces and after any drop', async () => {
    const output = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[x-z]/g, '\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(output, { maxLength: 60 }), fc.nat(8), async (outputs, lastLines) => {
        const log = store(300);
        for (const text of outputs) log.append('stdout', text);
        const all = await collect(readLog(log, plain, never));
        expect(outputs.join('').endsWith(all)).toBe(true);
        const lines = all.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        const wanted = lastLines === 0 ? '' : lines.slice(-lastLines).join('');
        expect(await collect(readLog(log, { ...plain, tailLines: lastLines }, never))).toBe(wanted);
      }),
    );
  });

  it('gives each stream back as it was written, for any pieces and any mix', async () => {
    const output = fc.tuple(
      fc.constantFrom('stdout' as const, 'stderr' as const),
      fc.string({ maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(output), async (outputs) => {
        const log = store();
        for (const [stream, text] of outputs) log.append(stream, text.replaceAll('x', '\n'));
        for (const stream of ['stdout', 'stderr'] as const) {
          const wanted = outputs
            .filter(([of]) => of === stream)
            .map(([, text]) => text.replaceAll('x', '\n'));
          expect(await collect(readLog(log, { ...plain, stream }, never))).toBe(wanted.join(''));
        }
      }),
    );
  });
});
