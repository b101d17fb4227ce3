import { expect, it } from 'vitest';
import {
  closeRequest,
  connectId,
  dataPacket,
  dialId,
  dialRequest,
  type Packet,
} from '../../../src/core/packet.js';
import { decodePacket, encodeToBuffer } from '../../../src/wire/codec/codec.js';
import { PacketBatch } from '../../../src/wire/codec/packet-batch.js';

const id = connectId(7n);

/** What goes to the HTTP/2 stream. */
function frameOf(packets: readonly Packet[]): Buffer {
  const batch = new PacketBatch();
  for (const packet of packets) batch.add(packet);
  expect(batch.slices.reduce((bytes, slice) => bytes + slice.length, 0)).toBe(batch.sizeBytes);
  return Buffer.concat(batch.slices);
}

/** The messages that a receiver finds in it. */
function messagesIn(frame: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < frame.length; ) {
    expect(frame[at]).toBe(0);
    const end = at + 5 + frame.readUInt32BE(at + 1);
    found.push(frame.subarray(at + 5, end));
    at = end;
  }
  return found;
}

it('packets of one write are messages of their own, in order', () => {
  const received = decodePacket(encodeToBuffer(dataPacket(id, Buffer.from('passed on'))));
  const packets: Packet[] = [
    dataPacket(id, Buffer.from('first')),
    received,
    dialRequest('10.0.0.1:10250', dialId(1n)),
    dataPacket(id, Buffer.alloc(70_000, 'x')),
    closeRequest(id),
  ];
  expect(messagesIn(frameOf(packets))).toEqual(packets.map(encodeToBuffer));
});

it('one packet is one message', () => {
  const packet = dataPacket(id, Buffer.from('one'));
  expect(messagesIn(frameOf([packet]))).toEqual([encodeToBuffer(packet)]);
});
