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
  maxHeldIds,
  type Packet,
  windowUpdate,
} from '../../../src/core/packet.js';
import { decodePacket, encodeToBuffer } from '../../../src/wire/codec/codec.js';
import { MalformedPacket } from '../../../src/wire/codec/varint.js';

const big = 8897718490787564857n;

/** Bytes computed from the field numbers alone; see proto/README.md. */
const golden: readonly [string, Packet, string][] = [
  [
    'DIAL_REQ, whose type 0 is absent',
    dialRequest('10.0.0.1:10250', dialId(1n)),
    '12170a03746370120e31302e302e302e313a31303235301801',
  ],
  [
    'DIAL_REQ with IPv6 and a dial ID above 2^53',
    dialRequest('[fd00::1]:10250', dialId(big)),
    '12200a03746370120f5b666430303a3a315d3a313032353018b99ac596b4fac2bd7b',
  ],
  ['DIAL_RSP', dialSuccess(dialId(big), connectId(1n)), '08011a0c100118b99ac596b4fac2bd7b'],
  [
    'DIAL_RSP with an error',
    dialFailure(dialId(111n), 'No agent available'),
    '08011a160a124e6f206167656e7420617661696c61626c65186f',
  ],
  ['CLOSE_REQ', closeRequest(connectId(300n)), '08022a0308ac02'],
  ['CLOSE_RSP', closeResponse(connectId(300n)), '0803320310ac02'],
  [
    'CLOSE_RSP with an error',
    closeResponse(connectId(300n), 'Unknown connectID'),
    '080332160a11556e6b6e6f776e20636f6e6e656374494410ac02',
  ],
  ['DATA', dataPacket(connectId(1n), Buffer.from('hello')), '0804220908011a0568656c6c6f'],
  ['DIAL_CLS', dialClose(dialId(1n)), '08053a020801'],
  ['DRAIN', drainPacket, '08064200'],
  [
    'DIAL_REQ with a window of 1 MiB',
    dialRequest('a:1', dialId(1n), 1 << 20),
    '12110a037463701203613a311801a006808040',
  ],
  [
    'DIAL_RSP with a window of 1 MiB',
    dialSuccess(dialId(2n), connectId(1n), 1 << 20),
    '08011a0910011802a006808040',
  ],
  ['WINDOW_UPDATE', windowUpdate(connectId(300n), 512 << 10), '0864a2060708ac0210808020'],
  ['HELD', heldPacket([connectId(1n), connectId(300n)]), '0865aa06050a0301ac02'],
  ['HELD of nothing', heldPacket([]), '0865aa0600'],
];

const withoutRaw = (packet: Packet): unknown => ({ ...packet, raw: undefined });

describe('codec', () => {
  it.each(golden)('R1: encodes %s to the golden bytes', (_name, packet, hex) => {
    expect(encodeToBuffer(packet).toString('hex')).toBe(hex);
  });

  it.each(golden)('R1: decodes the golden bytes of %s', (_name, packet, hex) => {
    expect(withoutRaw(decodePacket(Buffer.from(hex, 'hex')))).toEqual(withoutRaw(packet));
  });

  it('R1: an empty message is a DIAL_REQ of zero values', () => {
    const expected = { kind: 'DIAL_REQ', protocol: '', address: '', dialId: 0n };
    expect(decodePacket(Buffer.alloc(0))).toMatchObject(expected);
  });

  it('R2: the type decides, and a payload of another type reads as zero values', () => {
    const closeRequestWithDataPayload = Buffer.from('0802220908011a0568656c6c6f', 'hex');
    expect(decodePacket(closeRequestWithDataPayload)).toMatchObject({ kind: 'CLOSE_REQ', connectId: 0n });
  });

  it('R2: keeps the number of a type it does not know', () => {
    expect(decodePacket(Buffer.from('0866', 'hex'))).toMatchObject({ kind: 'UNKNOWN', type: 102 });
    expect(decodePacket(Buffer.from('08ffffffffffffffffff01', 'hex'))).toMatchObject({ type: -1 });
  });

  it('R31: reads IDs of a HELD that are not packed, and no more than a receiver has to answer', () => {
    expect(decodePacket(Buffer.from('0865aa0605080108ac02', 'hex'))).toMatchObject({
      connectIds: [1n, 300n],
    });
    const many = heldPacket(Array.from({ length: maxHeldIds + 1 }, () => connectId(5n)));
    const read = decodePacket(encodeToBuffer(many));
    expect(read.kind === 'HELD' && read.connectIds.length).toBe(maxHeldIds);
  });

  it('R3: forwards a received packet byte for byte, unknown fields included', () => {
    const withField100 = Buffer.concat([
      Buffer.from('0804220908011a0568656c6c6f', 'hex'),
      Buffer.from('a20602abcd', 'hex'),
    ]);
    expect(encodeToBuffer(decodePacket(withField100)).equals(withField100)).toBe(true);
  });

  it('carries negative and extreme IDs', () => {
    for (const id of [-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n]) {
      const bytes = encodeToBuffer(dataPacket(connectId(id), Buffer.from('x')));
      expect(decodePacket(bytes)).toMatchObject({ kind: 'DATA', connectId: id });
    }
  });

  it('does not copy the payload of DATA', () => {
    const bytes = encodeToBuffer(dataPacket(connectId(7n), Buffer.alloc(1000, 1)));
    const packet = decodePacket(bytes);
    if (packet.kind !== 'DATA') throw new Error(packet.kind);
    expect(packet.data.buffer).toBe(bytes.buffer);
  });

  it.each([
    ['a varint that never ends', '08ffffffffffffffffffffff'],
    ['a truncated varint', '08ff'],
    ['a length that is larger than the message', '0804227f01'],
    ['a wire type that is not in use', '0b'],
    ['a truncated fixed64', '0901'],
  ])('refuses %s as malformed', (_name, hex) => {
    expect(() => decodePacket(Buffer.from(hex, 'hex'))).toThrow(MalformedPacket);
  });
});
