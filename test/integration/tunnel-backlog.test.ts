import { afterEach, beforeEach, expect, it } from 'vitest';
import { drainPacket } from '../../src/core/packet.js';
import type { CarriedStream } from '../../src/wire/carrier/carried-stream.js';
import { TunnelConnection } from '../../src/wire/carrier/tunnel-connection.js';
import { currentTls } from '../../src/wire/net/tls.js';
import { TunnelBench } from '../support/tunnel-bench.js';
import { soon } from '../support/waits.js';

let bench: TunnelBench;
let connection: TunnelConnection;
let stream: CarriedStream;

/** A backlog that the test fills and clears. */
let full: boolean;
let waiting: (() => void)[];
const backlog = {
  get congested(): boolean {
    return full;
  },
  whenClear: (resume: () => void) => void waiting.push(resume),
};

function clear(): void {
  full = false;
  for (const resume of waiting.splice(0)) resume();
}

beforeEach(async () => {
  full = true;
  waiting = [];
  bench = await TunnelBench.create();
  const server = await bench.server();
  connection = new TunnelConnection({
    address: server.agentAddress,
    tls: currentTls(bench.tls('agent')),
    eager: true,
  });
  await soon<void>((resolve) => {
    const tuning = { below: () => backlog };
    const call = connection.open('Connect', { agentid: 'backlogged' }, { accepted: () => resolve(), tuning });
    stream = call.packets;
    stream.start({ packet: () => undefined, ended: () => undefined });
  }, 'answer of the server');
});

afterEach(async () => {
  stream.cancel();
  connection.cut();
  await bench.close();
});

it('a write is done only when what is under the transport has room', async () => {
  stream.send(drainPacket);
  await expect.poll(() => waiting.length).toBe(1);
  expect(stream.takenBytes).toBe(0);
  clear();
  expect(stream.takenBytes).toBeGreaterThan(0);
});

it('meanwhile nothing more is written, and what feeds the stream is told that it is full', async () => {
  stream.send(drainPacket);
  await expect.poll(() => waiting.length).toBe(1);
  const resumed = soon<void>((resolve) => {
    while (!stream.congested) stream.send(drainPacket);
    stream.whenClear(resolve);
  }, 'room in the stream');
  expect(waiting).toHaveLength(1);
  clear();
  await resumed;
});

it('a connection that reads on, whatever waits, tells its backlog', () => {
  expect(connection.backlog?.congested).toBe(false);
});
