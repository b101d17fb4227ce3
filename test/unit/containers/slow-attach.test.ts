import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { followOutput } from '../../../src/containers/attach.js';
import { LogStore } from '../../../src/containers/logs/log-store.js';

const signal = new AbortController().signal;

/** Attaches a client that reads nothing until the test lets it. */
function attach(logs: LogStore) {
  const parts: Buffer[] = [];
  let take: () => void = () => undefined;
  const taking = new Promise<void>((resolve) => {
    take = resolve;
  });
  const stdout = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      parts.push(chunk);
      void taking.then(() => done());
    },
  });
  const ended = followOutput({ logs, signal, ageMs: 0, wasAttached: true }, { stdout, signal }, false);
  return { ended, take, text: () => Buffer.concat(parts).toString() };
}

function write(logs: LogStore, lines: number): string {
  const all = Array.from({ length: lines }, (_, line) => `line ${line}\n`);
  for (const line of all) logs.append('stdout', line);
  return all.join('');
}

it('an attached client that is behind gets all output without a gap', async () => {
  const logs = new LogStore({ now: () => 0, limitBytes: 64_000 });
  const client = attach(logs);
  const written = write(logs, 20_000);
  logs.close();
  client.take();
  expect(await client.ended).toEqual({ kind: 'exit', code: 0 });
  expect(client.text()).toBe(written);
});

it('an attached client that is too far behind gets the beginning, and an error', async () => {
  const logs = new LogStore({ now: () => 0, limitBytes: 64_000 });
  const client = attach(logs);
  write(logs, 1);
  await new Promise((resolve) => setImmediate(resolve));
  const written = write(logs, 100_000);
  client.take();
  expect(await client.ended).toMatchObject({ kind: 'error' });
  expect(client.text()).not.toBe('');
  expect(`line 0\n${written}`.startsWith(client.text())).toBe(true);
});
