import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/index.js';
import { type ControlBench, startControlBench } from '../support/control-bench.js';
import { scratchFolder } from '../support/konnsim.js';
import { eventually, once } from '../support/waits.js';

let bench: ControlBench;

beforeEach(async () => {
  bench = await startControlBench({ journalCapacity: 500 });
});
afterEach(() => bench[Symbol.asyncDispose]());

/** A stream as its bytes come. */
class Stream {
  readonly socket: Socket;
  text = '';

  constructor(path: string, headers: Readonly<Record<string, string>>) {
    this.socket = connect({ host: '127.0.0.1', port: bench.control.port });
    this.socket.on('error', () => undefined);
    const lines = Object.entries({ host: 'localhost', ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  read(): this {
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
    this.socket.resume();
    return this;
  }

  /** Resolves when the text has it. */
  has(pattern: RegExp): Promise<void> {
    return eventually(() => {
      if (!pattern.test(this.text)) throw new Error(`no ${String(pattern)} in … ${this.text.slice(-2000)}`);
    });
  }
}

const sse = { accept: 'text/event-stream' };

describe('the stream of events', () => {
  it('has what happened and what happens, and goes on after the last event that its reader has', async () => {
    const stream = new Stream('/v1/events', sse).read();
    await stream.has(/"kind":"lab.ready"/);
    await bench.lab.exec('web-1', ['hostname']);
    await stream.has(/id: \d+\ndata: .*"kind":"request.finished"/);
    stream.socket.destroy();
    const after = bench.lab.mark();
    const { request } = await bench.lab.exec('web-1', ['hostname']);
    const again = new Stream('/v1/events', { ...sse, 'last-event-id': String(after) }).read();
    await again.has(/"kind":"request.finished"/);
    expect(again.text).not.toContain('lab.ready');
    expect(again.text).toContain(request);
    again.socket.destroy();
  });

  it('has only what the filter lets through, one event a line', async () => {
    const query = 'kind=packet&node=server/*&filter=-packet:DATA';
    const stream = new Stream(`/v1/events?${query}`, { accept: 'application/x-ndjson' }).read();
    await bench.lab.exec('web-1', ['hostname']);
    await stream.has(/"packet":"CLOSE_RSP"/);
    expect(stream.text).not.toMatch(/"packet":"DATA"|"node":"agent|"kind":"request/);
    stream.socket.destroy();
  });

  it('ends for a reader that is too slow, with an event that says so', async () => {
    const stream = new Stream('/v1/events', sse);
    stream.socket.pause();
    await once(stream.socket, 'connect');
    const id = 'x'.repeat(8000);
    // More than sockets hold, so that the journal has dropped events when the reader begins.
    for (let round = 0; round < 40; round += 1) {
      for (let count = 0; count < 40; count += 1)
        bench.lab.fault({ do: 'fin', when: { connection: 9999 }, id }).remove();
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.read();
    await stream.has(/event: end\ndata: \{"reason":"slow","after":\d+,"lost":\d+\}/);
  });

  it('begins with a gap when older events are gone, and ends when the lab stops', async () => {
    await eventually(async () => {
      await bench.lab.exec('web-1', ['hostname']);
      expect(bench.lab.events()[0]?.seq).toBeGreaterThan(1);
    });
    const stream = new Stream('/v1/events', sse).read();
    await stream.has(/event: gap\ndata: \{"lost":\d+\}/);
    await bench.lab.stop();
    await stream.has(/"kind":"lab.stopped"[\s\S]*event: end\ndata: \{"reason":"stopped"/);
  });

  it('has a bounded number of readers', async () => {
    const streams = Array.from({ length: 64 }, () => new Stream('/v1/events?kind=lab.stopped', sse).read());
    await Promise.all(streams.map((stream) => stream.has(/200 OK/)));
    expect((await bench.ask('GET', '/v1/events', { headers: sse })).status).toBe(429);
    for (const stream of streams) stream.socket.destroy();
    // A page is no stream, and the place of one that has left is free.
    expect((await bench.ask('GET', '/v1/events')).status).toBe(200);
    await eventually(async () => {
      const stream = new Stream('/v1/events', sse).read();
      await stream.has(/ (200|429) /);
      stream.socket.destroy();
      expect(stream.text).toContain('200 OK');
    });
  });
});

describe('waits and checks', () => {
  it('wait for an event to come, and say what came near', async () => {
    const { lab } = bench;
    const since = lab.mark();
    const event = { kind: 'role.killed', node: 'agent/*' };
    const waiting = bench.ask('POST', '/v1/events:wait', { body: { event, since, withinMs: 60_000 } });
    await lab.part('agent/node-1').kill();
    expect((await waiting).json).toMatchObject({ event: { kind: 'role.killed', node: 'agent/node-1' } });
    const late = { event: { kind: 'role.killed', node: 'agent/node-7' }, withinMs: 1 };
    const answer = await bench.ask('POST', '/v1/events:wait', { body: late });
    expect(answer.status).toBe(504);
    expect(answer.text).toContain('differs in node');
  });

  it('verify several events, and name the one that is missing', async () => {
    const { request } = await bench.lab.exec('web-1', ['hostname']);
    const events = [
      { kind: 'request.started', request },
      { kind: 'dial.established', request },
      { kind: 'request.finished', request },
    ];
    const verify = async (body: unknown): Promise<unknown> =>
      (await bench.ask('POST', '/v1/events:verify', { body })).json;
    expect(await verify({ events })).toMatchObject({ verified: true, events });
    const none = [{ kind: 'dial.established' }];
    expect(await verify({ events, none })).toMatchObject({ verified: false });
    const wrong = await verify({ events: [{ kind: 'dial.failed', request }] });
    expect(wrong).toMatchObject({
      verified: false,
      text: expect.stringContaining('missing  dial.failed') as unknown,
    });
    expect(await verify({ events: [{ kind: 'dial.falied' }] })).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('give a recording that explain and the page can read', async () => {
    const folder = await scratchFolder();
    const path = join(folder.path, 'lab.ndjson');
    await writeFile(path, (await bench.ask('GET', '/v1/recording')).text);
    const { seed, events } = await readRecording(path);
    expect([seed, events]).toEqual([bench.lab.seed, bench.lab.events()]);
    await folder.remove();
  });
});
