import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameParser } from '../../src/streams/spdy/frame-parser.js';
import {
  dataHead,
  goAwayFrame,
  headersFrame,
  pingFrame,
  rstStreamFrame,
  type SpdyFrame,
  synReplyFrame,
  synStreamFrame,
} from '../../src/streams/spdy/frames.js';

const seed = Number(process.env['KONNSIM_SEED'] ?? Date.now() & 0x7fff_ffff);
const maxControlBytes = 4096;

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** A frame, as it is parsed and as it is on the wire. */
interface Sample {
  readonly frame: SpdyFrame;
  readonly wire: Buffer;
}

const sample: fc.Arbitrary<Sample> = fc.oneof(
  fc.tuple(streamId, bytes, fc.boolean()).map(([id, payload, fin]) => ({
    frame: { kind: 'data' as const, streamId: id, payload, fin },
    wire: Buffer.concat([dataHead(id, payload.length, fin), payload]),
  })),
  fc.tuple(streamId, bytes, fc.boolean()).map(([id, block, fin]) => ({
    frame: { kind: 'syn-stream' as const, streamId: id, fin, block },
    wire: synStreamFrame(id, block, fin ? 1 : 0),
  })),
  fc.tuple(streamId, bytes).map(([id, block]) => ({
    frame: { kind: 'syn-reply' as const, streamId: id, fin: false, block },
    wire: synReplyFrame(id, block),
  })),
  fc.tuple(streamId, bytes).map(([id, block]) => ({
    frame: { kind: 'headers' as const, streamId: id, fin: false, block },
    wire: headersFrame(id, block),
  })),
  fc.tuple(streamId, uint32).map(([id, status]) => ({
    frame: { kind: 'rst-stream' as const, streamId: id, status },
    wire: rstStreamFrame(id, status),
  })),
  uint32.map((id) => ({ frame: { kind: 'ping' as const, id }, wire: pingFrame(id) })),
  fc.tuple(streamId, uint32).map(([lastStreamId, status]) => ({
    frame: { kind: 'goaway' as const, lastStreamId, status },
    wire: goAwayFrame(lastStreamId, status),
  })),
);

function cut(wire: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (let index = 0; offset < wire.length; index += 1) {
    const length = lengths[index % lengths.length] ?? 1;
    chunks.push(wire.subarray(offset, offset + length));
    offset += length;
  }
  return chunks;
}

/** Parses everything; the pieces of a DATA frame are put together again. */
function parse(chunks: readonly Buffer[]): SpdyFrame[] {
  const parser = new FrameParser(maxControlBytes);
  const frames: SpdyFrame[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) frames.push(frame);
  }
  return frames;
}

/** Neighbouring DATA of one stream is one run of bytes: how a frame was cut must not matter. */
function joined(frames: readonly SpdyFrame[]): unknown[] {
  const out: Record<string, unknown>[] = [];
  for (const frame of frames) {
    const last = out.at(-1);
    const continues = frame.kind === 'data' && last?.['kind'] === 'data' && last['fin'] === false;
    if (continues && last['streamId'] === frame.streamId) {
      last['payload'] = Buffer.concat([last['payload'] as Buffer, frame.payload]);
      last['fin'] = frame.fin;
    } else {
      out.push({ ...frame });
    }
  }
  return out;
}

describe(`SPDY frame parser (seed ${seed})`, () => {
  it('reads the same frames however the bytes are cut', () => {
    const samples = fc.array(sample, { minLength: 1, maxLength: 20 });
    const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(samples, lengths, (list, cuts) => {
        const wire = Buffer.concat(list.map((each) => each.wire));
        expect(joined(parse(cut(wire, cuts)))).toEqual(joined(list.map((each) => each.frame)));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('ends after one violation, whatever bytes it is fed, and never throws', () => {
    const garbage = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
    fc.assert(
      fc.property(garbage, (list) => {
        const frames = parse(list.map((each) => Buffer.from(each)));
        const broken = frames.findIndex((frame) => frame.kind === 'violation');
        expect(broken === -1 || broken === frames.length - 1).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });
});
