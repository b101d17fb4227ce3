import { describe, expect, it } from 'vitest';
import { closeRequest, connectId, dataPacket, type Packet, payloadBytes } from '../../../src/core/packet.js';
import { encodeToBuffer } from '../../../src/wire/codec/codec.js';
import { MessageReader, maxMessageBytes, RefusedMessage } from '../../../src/wire/codec/message-reader.js';
import { PacketBatch } from '../../../src/wire/codec/packet-batch.js';
import { MalformedPacket } from '../../../src/wire/codec/varint.js';

const id = connectId(300n);

function streamOf(packets: readonly Packet[]): Buffer {
  const batch = new PacketBatch();
  for (const packet of packets) batch.add(packet);
  return Buffer.concat(batch.slices);
}

function readAll(chunks: readonly Buffer[]): Packet[] {
  const read: Packet[] = [];
  const reader = new MessageReader((packet) => read.push(packet));
  for (const chunk of chunks) reader.feed(chunk);
  return read;
}

const chunksOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_none, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

const plain = (packet: Packet): string => encodeToBuffer(packet).toString('hex');

function prefixed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe('the packets of a byte stream', () => {
  const packets: readonly Packet[] = [
    dataPacket(id, Buffer.from('short')),
    closeRequest(id),
    dataPacket(id, Buffer.alloc(20_000, 'long')),
    dataPacket(connectId(-1n), Buffer.from('an ID of ten bytes')),
    { kind: 'DRAIN' },
  ];

  it.each([1, 2, 3, 4, 5, 6, 7, 11, 28, 29, 4096, 16_384, 100_000])(
    'are found in chunks of %i bytes',
    (size) => {
      const read = readAll(chunksOf(streamOf(packets), size));
      expect(read.map(plain)).toEqual(packets.map(plain));
    },
  );

  it('R3: go on as they came, whatever they were cut into', () => {
    const unknown = Buffer.concat([
      encodeToBuffer(packets[2] ?? closeRequest(id)),
      Buffer.from('a20602abcd', 'hex'),
    ]);
    for (const size of [7, 1000, 100_000]) {
      const sent = Buffer.concat([prefixed(unknown), streamOf(packets)]);
      expect(streamOf(readAll(chunksOf(sent, size))).equals(sent)).toBe(true);
    }
  });

  it('hold the payload of DATA where it was read, without a copy', () => {
    const chunks = chunksOf(streamOf([dataPacket(id, Buffer.alloc(40_000, 'x'))]), 16_384);
    const [packet] = readAll(chunks);
    if (packet?.kind !== 'DATA') throw new Error(packet?.kind);
    expect(packet.pieces?.map(({ buffer }) => buffer)).toEqual(chunks.map(({ buffer }) => buffer));
    expect(payloadBytes(packet)).toBe(40_000);
    expect(Buffer.from(packet.data).equals(Buffer.alloc(40_000, 'x'))).toBe(true);
  });
});

describe('R4: a stream is refused', () => {
  it('whose message would be larger than 4 MiB, when its length is known', () => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(maxMessageBytes + 1, 1);
    expect(() => readAll([prefix])).toThrow(RefusedMessage);
  });

  it('whose message is compressed', () => {
    expect(() => readAll([Buffer.from([1, 0, 0, 0, 0])])).toThrow(RefusedMessage);
  });

  it.each(['ffffff', '0804220908011a0668656c6c6f', '0804220908'])(
    'whose message is no protobuf: %s',
    (hex) => {
      expect(() => readAll([prefixed(Buffer.from(hex, 'hex'))])).toThrow(MalformedPacket);
    },
  );
});
