import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter } from '../../../src/apiserver/streaming/frame-splitter.js';
import { FrameParser } from '../../../src/streams/spdy/frame-parser.js';
import { dataHead, goAwayFrame, pingFrame, rstStreamFrame } from '../../../src/streams/spdy/frames.js';

interface Heard {
  readonly bytes: Record<number, string>;
  readonly ended: number[];
  readonly control: string[];
}

/** What a reader makes of the bytes. */
function heard(bytes: Buffer): Heard {
  const parser = new FrameParser(1024);
  parser.push(bytes);
  const all: Heard = { bytes: {}, ended: [], control: [] };
  for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
    if (frame.kind !== 'data') {
      all.control.push(JSON.stringify(frame));
      continue;
    }
    all.bytes[frame.streamId] = (all.bytes[frame.streamId] ?? '') + frame.payload.toString('hex');
    if (frame.fin) all.ended.push(frame.streamId);
  }
  return all;
}

const payload = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
const frame = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), payload, fc.boolean())
    .map(([id, bytes, fin]) => Buffer.concat([dataHead(id, bytes.length, fin), bytes])),
  fc.nat(9).map((id) => pingFrame(id)),
  fc.integer({ min: 1, max: 3 }).map((id) => rstStreamFrame(id, 5)),
);

/** The bytes in pieces of some size. */
function pieces(bytes: Buffer, size: number): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
  return all;
}

describe('frame splitter', () => {
  it('changes nothing that a reader can tell, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (frames, size) => {
        const bytes = Buffer.concat(frames);
        const splitter = new FrameSplitter();
        const out = pieces(bytes, size).flatMap((piece) => [...splitter.push(piece)]);
        expect(heard(Buffer.concat(out))).toEqual(heard(bytes));
      }),
    );
  });

  it('can be followed by a frame wherever the bytes stop', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.nat(), (frames, cut) => {
        const bytes = Buffer.concat(frames);
        const splitter = new FrameSplitter();
        const out = splitter.push(bytes.subarray(0, cut % bytes.length));
        const { control } = heard(Buffer.concat([...out, pingFrame(77)]));
        expect(control.at(-1)).toBe('{"kind":"ping","id":77}');
      }),
    );
  });

  it('passes what is no SPDY as it is, and says that nothing may follow', () => {
    const splitter = new FrameSplitter();
    const text = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');
    // ASCII is a data frame of a stream with a high number: only a zero ID or another version is strange.
    const strange = Buffer.concat([Buffer.from('80020001000000ff', 'hex'), text]);
    expect(Buffer.concat([...splitter.push(strange), ...splitter.push(text)])).toEqual(
      Buffer.concat([strange, text]),
    );
    expect(splitter.atBoundary).toBe(false);
  });

  it('knows on which streams something was said', () => {
    const splitter = new FrameSplitter();
    splitter.push(Buffer.concat([dataHead(1, 1, false), Buffer.from('x'), dataHead(3, 0, false)]));
    splitter.push(rstStreamFrame(5, 5));
    expect([1, 3, 5].map((id) => splitter.hasSpoken(id))).toEqual([true, false, true]);
    expect([1, 3, 5].map((id) => splitter.hasEnded(id))).toEqual([false, false, true]);
    splitter.push(goAwayFrame(5, 0));
    expect(splitter.hasSpoken(3)).toBe(true);
  });
});
