import { describe, expect, it } from 'vitest';
import { encodeResize, TerminalResizes } from '../../../src/streams/terminal-resizes.js';
import type { TerminalSize } from '../../../src/streams/types.js';

async function sizesOf(...chunks: string[]): Promise<TerminalSize[]> {
  const resizes = new TerminalResizes();
  for (const chunk of chunks) resizes.push(Buffer.from(chunk));
  resizes.end();
  const sizes: TerminalSize[] = [];
  for await (const size of resizes) sizes.push(size);
  return sizes;
}

describe('terminal resizes', () => {
  it('are read wherever the bytes are cut, and whatever the case of the keys', async () => {
    const text = `${encodeResize({ width: 100, height: 30 })}{"height":24,"WIDTH":80}`;
    const wanted = [
      { width: 100, height: 30 },
      { width: 80, height: 24 },
    ];
    expect(await sizesOf(text)).toEqual(wanted);
    expect(await sizesOf(...text)).toEqual(wanted);
  });

  it('that are no sizes are skipped', async () => {
    expect(await sizesOf('{"Width":0,"Height":5}', '{}', 'garbage}', '{"Width":1,"Height":2}')).toEqual([
      { width: 1, height: 2 },
    ]);
  });

  it('reach a late reader as the newest few', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => encodeResize({ width: index + 1, height: 1 }));
    const sizes = await sizesOf(...texts);
    expect(sizes.length).toBeLessThan(20);
    expect(sizes.at(-1)).toEqual({ width: 100, height: 1 });
  });

  it('are not collected without end from a client that never closes an object', async () => {
    expect(
      await sizesOf(...Array.from({ length: 100 }, () => 'x'.repeat(1000)), '}{"Width":3,"Height":4}'),
    ).toEqual([{ width: 3, height: 4 }]);
  });

  it('wake a reader that waits', async () => {
    const resizes = new TerminalResizes();
    const next = resizes[Symbol.asyncIterator]().next();
    resizes.push(Buffer.from('{"Width":5,"Height":6}'));
    expect(await next).toEqual({ done: false, value: { width: 5, height: 6 } });
  });
});
