import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spdyDictionary } from '../../src/streams/spdy/dictionary.js';
import { decodeHeaderBlock, encodeHeaderBlock } from '../../src/streams/spdy/header-block.js';
import { createHeaderCompressor, createHeaderExpander } from '../../src/streams/spdy/header-compression.js';

const seed = Number(process.env['KONNSIM_SEED'] ?? Date.now() & 0x7fff_ffff);
const maxBytes = 64 * 1024;

const name = fc.stringMatching(/^x-[a-z0-9-]{1,20}$/);
const headers = fc.dictionary(name, fc.string({ maxLength: 80, unit: 'grapheme' }), { maxKeys: 12 });

describe(`SPDY header blocks (seed ${seed})`, () => {
  it('come out as they went in, block after block through one pair of zlib contexts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(headers, { minLength: 1, maxLength: 8 }), async (blocks) => {
        const compressor = createHeaderCompressor(maxBytes);
        const expander = createHeaderExpander(maxBytes);
        for (const block of blocks) {
          const wire = await compressor.run(encodeHeaderBlock(Object.entries(block)));
          const back = decodeHeaderBlock(await expander.run(wire));
          expect(Object.fromEntries(back)).toEqual({ ...block });
        }
        compressor.close();
        expander.close();
      }),
      { seed, numRuns: 60 },
    );
  });

  it('never take anything but an Error from bytes that are no header block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeHeaderBlock(Buffer.from(bytes));
        } catch (error) {
          expect((error as Error).message).toMatch(/^SPDY header/);
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it('use the dictionary of SPDY/3: 1,423 bytes of one SHA-256', () => {
    expect(spdyDictionary).toHaveLength(1423);
    const digest = createHash('sha256').update(spdyDictionary).digest('hex');
    expect(digest).toBe('51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02');
  });

  it('begin as those of other SPDY/3 ends: 78 f9 and the dictionary’s Adler-32', async () => {
    const compressor = createHeaderCompressor(maxBytes);
    const block = await compressor.run(encodeHeaderBlock([['streamtype', 'error']]));
    compressor.close();
    expect(block.subarray(0, 6).toString('hex')).toBe('78f9e3c6a7c2');
    expect(block.subarray(-4).toString('hex')).toBe('0000ffff');
  });

  it('are refused when they expand beyond the limit', async () => {
    const compressor = createHeaderCompressor(maxBytes);
    const wire = await compressor.run(Buffer.alloc(2 * maxBytes));
    compressor.close();
    await expect(createHeaderExpander(maxBytes).run(wire)).rejects.toThrow('over the limit of 65536 bytes');
  });

  it('are refused when they are not compressed at all', async () => {
    const expander = createHeaderExpander(maxBytes);
    await expect(expander.run(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).rejects.toThrow(
      'incorrect header check',
    );
    await expect(expander.run(Buffer.alloc(4))).rejects.toThrow('incorrect header check');
  });
});
