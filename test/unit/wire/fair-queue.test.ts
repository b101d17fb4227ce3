import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  closeResponse,
  connectId,
  dataPacket,
  dialId,
  dialSuccess,
  drainPacket,
  heldPacket,
  type Packet,
  payloadBytes,
  windowUpdate,
} from '../../../src/core/packet.js';
import { FairQueue, quantumBytes } from '../../../src/wire/carrier/fair-queue.js';
import { MessageReader } from '../../../src/wire/codec/message-reader.js';
import { packetText } from '../../support/recording-port.js';

const id = (connection: number) => connectId(BigInt(connection));
const data = (connection: number, bytes = 1): Packet => dataPacket(id(connection), Buffer.alloc(bytes, '.'));
const sizeOf = (packet: Packet): number => (packet.kind === 'DATA' ? payloadBytes(packet) : 1);

function queueOf(packets: readonly Packet[], maxPackets = 256, fair = true): FairQueue {
  const queue = new FairQueue({ maxPackets, fair });
  for (const packet of packets) queue.add(packet, sizeOf(packet), () => 0);
  return queue;
}

/** The packets of the next turn, as their reader sees them. */
function turn(queue: FairQueue, roomBytes = Number.POSITIVE_INFINITY): Packet[] | undefined {
  const next = queue.take(roomBytes);
  if (next === undefined) return undefined;
  const packets: Packet[] = [];
  const reader = new MessageReader((packet) => packets.push(packet));
  for (const slice of next.batch.slices) reader.feed(slice);
  return packets;
}

function all(queue: FairQueue): Packet[] {
  const packets: Packet[] = [];
  for (let next = turn(queue); next !== undefined; next = turn(queue)) packets.push(...next);
  return packets;
}

/** `DATA 1 ×3` for three bytes. */
const short = (packet: Packet): string =>
  packet.kind === 'DATA' ? `DATA ${packet.connectId} ×${payloadBytes(packet)}` : packetText(packet);

describe('R22: connections on one stream', () => {
  it('take turns, a quantum each', () => {
    const bulk = [1, 2, 1, 2, 1, 2].map((connection) => data(connection, quantumBytes));
    expect(
      all(queueOf([data(1, quantumBytes), ...bulk])).map((packet) => packetText(packet).slice(0, 6)),
    ).toEqual([1, 2, 1, 2, 1, 2, 1].map((connection) => `DATA ${connection}`));
  });

  it('keep the order of all packets where they take no turns', () => {
    const packets = [data(1, quantumBytes), data(1), data(2), drainPacket, data(1), data(3)];
    expect(all(queueOf(packets, 256, false)).map(short)).toEqual(packets.map(short));
  });

  it('send small packets of one turn together', () => {
    const queue = queueOf([data(1), data(1), data(2), data(1)]);
    expect(turn(queue)?.map(short)).toEqual(['DATA 1 ×1', 'DATA 1 ×1', 'DATA 1 ×1']);
    expect(turn(queue)?.map(short)).toEqual(['DATA 2 ×1']);
  });

  it('that begin to send come before those that have much to send', () => {
    const queue = queueOf([data(1, quantumBytes), data(1, quantumBytes), data(2, quantumBytes)]);
    turn(queue);
    turn(queue);
    queue.add(data(3), 1, () => 0);
    expect(turn(queue)?.map(short)).toEqual(['DATA 3 ×1']);
  });

  it('that send little again and again do not starve the others', () => {
    const queue = queueOf([1, 1, 1].map((connection) => data(connection, quantumBytes)));
    const order: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      for (const small of [2, 3]) queue.add(data(small), 1, () => 0);
      order.push(...(turn(queue) ?? []).map((packet) => packetText(packet).slice(0, 6)));
    }
    expect(order.filter((text) => text === 'DATA 1').length).toBeGreaterThanOrEqual(2);
  });

  it('let credit and packets of no connection go first', () => {
    const packets = [data(1), windowUpdate(id(1), 7), data(2), drainPacket];
    expect(turn(queueOf(packets))?.map(short)).toEqual(['WINDOW_UPDATE 1 7', 'DRAIN']);
  });

  it('R32: name no connection in a HELD whose DIAL_RSP is behind it', () => {
    const success = (connection: number): Packet => dialSuccess(dialId(9n), id(connection));
    const queue = queueOf([success(1), data(1), success(2), heldPacket([id(1), id(2)]), success(3)]);
    const urgent = ['DIAL_RSP 9 ok 1', 'DIAL_RSP 9 ok 2', 'HELD 1 2', 'DIAL_RSP 9 ok 3'];
    expect(all(queue).map(short)).toEqual([...urgent, 'DATA 1 ×1']);
  });

  it('stay in their turn when it does not fit in what is left', () => {
    const queue = queueOf([data(1, 500), data(2, 100)]);
    expect(turn(queue, 499)).toBe(undefined);
    expect(turn(queue, 500)?.map(short)).toEqual(['DATA 1 ×500']);
  });

  it('R16, R20: keep their order, from DIAL_RSP to CLOSE_RSP, and lose nothing', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2 * quantumBytes }));
    const writes = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), sizes, fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 5 }), (steps, maxPackets) => {
        const queue = new FairQueue({ maxPackets, fair: true });
        const [sent, got]: [Packet[], Packet[]] = [[], []];
        const send = (packet: Packet): void => {
          sent.push(packet);
          queue.add(packet, sizeOf(packet), () => 0);
        };
        for (const connection of [1, 2, 3, 4]) send(dialSuccess(dialId(9n), id(connection)));
        for (const [connection, bytes, take] of steps) {
          send(data(connection, bytes));
          if (take) got.push(...(turn(queue) ?? []));
        }
        for (const connection of [1, 2, 3, 4]) send(closeResponse(id(connection)));
        got.push(...all(queue));
        for (const connection of [1, 2, 3, 4]) {
          const own = (packets: readonly Packet[]): string[] =>
            packets
              .filter((packet) => 'connectId' in packet && packet.connectId === id(connection))
              .map(short);
          expect(own(got)).toEqual(own(sent));
        }
      }),
    );
  });
});
