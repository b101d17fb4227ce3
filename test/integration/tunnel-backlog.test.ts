import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { drainPacket } from '../../src/core/packet.js';
import { GrpcPacketStream } from '../../src/wire/grpc/grpc-packet-stream.js';
import { TunnelChannel } from '../../src/wire/grpc/tunnel-channel.js';
import { currentTls } from '../../src/wire/net/tls.js';
import { TunnelBench } from '../support/tunnel-bench.js';
import { once, soon } from '../support/waits.js';

let bench: TunnelBench;
let channel: TunnelChannel;
let stream: GrpcPacketStream;

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
  channel = new TunnelChannel({
    address: server.agentAddress,
    tls: currentTls(bench.tls('agent')),
    eager: true,
  });
  const metadata = new Metadata();
  metadata.set('agentid', 'backlogged');
  const call = channel.open('Connect', metadata);
  const owner = { packet: () => undefined, ended: () => undefined };
  stream = new GrpcPacketStream(call, { below: () => backlog });
  stream.start(owner);
  await once(call, 'metadata');
});

afterEach(async () => {
  stream.cancel();
  channel.cut();
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

it('a channel that reads on, whatever waits, tells its backlog', () => {
  expect(channel.eager).toBe(true);
  expect(channel.backlog?.congested).toBe(false);
});
