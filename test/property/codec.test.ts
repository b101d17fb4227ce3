import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  closeRequest,
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialFailure,
  dialId,
  dialRequest,
  dialSuccess,
  drainPacket,
  heldPacket,
  type Packet,
  windowUpdate,
} from '../../src/core/packet.js';
import { decodePacket, encodeToBuffer } from '../../src/wire/codec/codec.js';
import { MalformedPacket } from '../../src/wire/codec/varint.js';
import { protoFolder } from '../../src/wire/grpc/proto.js';

const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const text = fc
  .string({ unit: 'binary', maxLength: 40 })
  .filter((value) => Buffer.from(value).toString() === value);

const packets: fc.Arbitrary<Packet> = fc.oneof(
  fc.tuple(text, id, uint32).map(([address, random, window]) => dialRequest(address, dialId(random), window)),
  fc
    .tuple(id, id, uint32)
    .map(([random, connection, window]) => dialSuccess(dialId(random), connectId(connection), window)),
  fc.tuple(id, text).map(([random, error]) => dialFailure(dialId(random), error)),
  id.map((connection) => closeRequest(connectId(connection))),
  fc.tuple(id, text).map(([connection, error]) => closeResponse(connectId(connection), error)),
  fc.tuple(id, fc.uint8Array({ maxLength: 300 })).map(([c, data]) => dataPacket(connectId(c), data)),
  id.map((random) => dialClose(dialId(random))),
  fc.constant(drainPacket),
  fc.tuple(id, uint32).map(([connection, credit]) => windowUpdate(connectId(connection), credit)),
  fc.array(id, { maxLength: 20 }).map((ids) => heldPacket(ids.map(connectId))),
);

/** protobufjs, as proto-loader sets it up: a codec that we did not write. */
function referenceCodec(): { encode(value: object): Buffer; decode(bytes: Buffer): Record<string, unknown> } {
  const loaded = loadSync('client.proto', {
    includeDirs: [protoFolder],
    longs: String,
    enums: String,
    oneofs: true,
    defaults: true,
  });
  const service = loaded['ProxyService'] as unknown as {
    Proxy: {
      requestSerialize(value: object): Buffer;
      requestDeserialize(bytes: Buffer): Record<string, unknown>;
    };
  };
  return { encode: service.Proxy.requestSerialize, decode: service.Proxy.requestDeserialize };
}

const payloadName = {
  DIAL_REQ: 'dialRequest',
  DIAL_RSP: 'dialResponse',
  CLOSE_REQ: 'closeRequest',
  CLOSE_RSP: 'closeResponse',
  DATA: 'data',
  DIAL_CLS: 'closeDial',
  DRAIN: 'drain',
  WINDOW_UPDATE: 'windowUpdate',
  HELD: 'held',
} as const;

const wireNames: Readonly<Record<string, string>> = {
  connectId: 'connectID',
  connectIds: 'connectIDs',
  dialId: 'random',
};

function wireValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wireValue);
  return typeof value === 'bigint' ? value.toString() : value;
}

function toReference(packet: Packet): object {
  if (packet.kind === 'UNKNOWN') throw new Error('not generated');
  const { kind, raw: _raw, ...fields } = packet;
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    body[wireNames[name] ?? name] = wireValue(value);
  }
  return { type: kind, [payloadName[kind]]: body };
}

describe('codec, for any packet', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        expect({ ...decodePacket(encodeToBuffer(packet)), raw: undefined }).toEqual(
          expect.objectContaining(normal(packet)),
        );
      }),
      { verbose: true },
    );
  });

  it('writes bytes that protobufjs reads alike, and reads the bytes that protobufjs writes', () => {
    const reference = referenceCodec();
    fc.assert(
      fc.property(packets, (packet) => {
        const theirs = reference.encode(toReference(packet));
        expect(reference.decode(encodeToBuffer(packet))).toEqual(reference.decode(theirs));
        expect({ ...decodePacket(theirs), raw: undefined }).toEqual(expect.objectContaining(normal(packet)));
      }),
    );
  });

  it('never does anything with arbitrary bytes but decode or throw MalformedPacket', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodePacket(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacket);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

/** Bytes come back as a Buffer, which compares by content only with another Buffer. */
function normal(packet: Packet): object {
  return packet.kind === 'DATA' ? { ...packet, data: Buffer.from(packet.data) } : packet;
}
