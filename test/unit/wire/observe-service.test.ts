import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ObservedBatch, type ObservePlace, readEvents } from '../../../src/cli/admin/observe-client.js';
import { startObserveService } from '../../../src/cli/admin/observe-service.js';
import { createRealClock } from '../../../src/core/clock.js';
import type { EventBody, LabEvent } from '../../../src/core/events.js';
import { createJournal, type Journal } from '../../../src/observe/journal.js';
import { type CertificateSet, createCertificateSet, leafTls } from '../../../src/pki/certificate-set.js';
import type { Listening } from '../../../src/wire/net/secure-listener.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';

const clock = createRealClock();
const skewMs = 3_600_000;
const wallNowMs = (): number => performance.timeOrigin + performance.now();

let certificates: CertificateSet;
let journal: Journal;
let service: Listening;
let before: Handles;

const tlsOf = (leaf: 'observe' | 'observer' | 'admin') => {
  return leafTls(certificates, leaf);
};

/** A process whose wall clock is an hour ahead. */
async function serve(run = 'first', port = 0): Promise<Listening> {
  journal = createJournal({ clock, capacity: 50 });
  const wallStartMs = wallNowMs() + skewMs;
  const { startedAt } = journal;
  service = await startObserveService({
    endpoint: { kind: 'tcp', host: '127.0.0.1', port, tls: tlsOf('observe') },
    source: journal,
    clock,
    wallNowMs: () => wallStartMs + clock.now() - startedAt,
    wallMsAt: (t) => wallStartMs + t,
    run,
    where: 'admin port',
  });
  return service;
}

const packet: EventBody = {
  kind: 'packet',
  node: 'agent/node-1',
  peer: 'server/s',
  dir: 'in',
  packet: 'DATA',
  bytes: 7,
  connectId: '9007199254740993',
};
const started: EventBody = { kind: 'role.started', node: 'agent/node-1', address: '127.0.0.1:1' };

interface Read {
  readonly events: LabEvent[];
  readonly batches: ObservedBatch[];
  readonly offsets: number[];
}

async function read(
  more: {
    packets?: boolean;
    after?: ObservePlace;
    until?: (read: Read) => boolean;
    leaf?: 'observer' | 'admin';
  } = {},
): Promise<Read> {
  const got: Read = { events: [], batches: [], offsets: [] };
  const controller = new AbortController();
  const { until, leaf = 'observer' } = more;
  await readEvents(
    { address: service.address, tls: tlsOf(leaf), wallNowMs },
    {
      follow: until !== undefined,
      packets: more.packets ?? false,
      after: more.after,
      signal: controller.signal,
      joined: (offsetMs) => void got.offsets.push(offsetMs),
      batch: (batch) => {
        got.batches.push(batch);
        got.events.push(...batch.events.map(({ event }) => event));
        if (until?.(got) === true) controller.abort();
      },
    },
  );
  return got;
}

beforeEach(async () => {
  certificates ??= await createCertificateSet();
  before = currentHandles();
  await serve();
});

afterEach(async () => {
  await service.close();
  journal.close();
  await expectNoNewHandles(before);
});

describe('the events of another process', () => {
  it('come complete, with their fields, 64-bit IDs and times', async () => {
    journal.emit(started);
    journal.emit(packet);
    const { events, batches, offsets } = await read({ packets: true });
    expect(events).toEqual([
      { ...started, seq: 1, t: batches[0]?.events[0]?.wallMs },
      { ...packet, seq: 2, t: batches[0]?.events[1]?.wallMs },
    ]);
    expect(Math.abs((offsets[0] ?? 0) - skewMs)).toBeLessThan(60_000);
    expect(batches[0]).toMatchObject({ run: 'first', missed: 0 });
  });

  it('leave packets out unless they are asked for', async () => {
    journal.emit(packet);
    journal.emit(started);
    expect((await read()).events.map(({ seq }) => seq)).toEqual([2]);
  });

  it('include later events, with regular messages that carry the time', async () => {
    journal.emit(started);
    let emitted = false;
    const { events, batches } = await read({
      until: (got) => {
        if (got.batches.length === 3 && !emitted) {
          emitted = true;
          journal.emit(started);
        }
        return got.events.length === 2;
      },
    });
    expect(events.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(batches.filter((batch) => batch.events.length === 0).length).toBeGreaterThanOrEqual(1);
    const times = batches.map(({ sourceNowMs }) => sourceNowMs);
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  it("continue after a reader's last event, and start again with another run", async () => {
    for (let count = 0; count < 5; count++) journal.emit(started);
    const place = { run: 'first', seq: 3 };
    expect((await read({ after: place })).events.map(({ seq }) => seq)).toEqual([4, 5]);
    await service.close();
    await serve('second');
    journal.emit(started);
    expect((await read({ after: place })).events.map(({ seq }) => seq)).toEqual([1]);
  });

  it('include the number of dropped events', async () => {
    for (let count = 0; count < 80; count++) journal.emit(started);
    const { events, batches } = await read();
    expect([events.length, batches[0]?.missed]).toEqual([50, 30]);
  });

  it('need a certificate of our CA', async () => {
    const stranger = await createCertificateSet();
    const own = certificates;
    certificates = stranger;
    const refused = read();
    await expect(refused).rejects.toMatchObject({ code: 'TLS_REJECTED' });
    certificates = own;
  });

  it('name a process that does not answer', async () => {
    await service.close();
    await expect(read()).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      where: `admin port ${service.address}`,
    });
  });
});
