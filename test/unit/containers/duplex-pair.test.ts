import { describe, expect, it } from 'vitest';
import { createDuplexPair } from '../../../src/containers/io/duplex-pair.js';
import { once } from '../../support/waits.js';
import { noise, readToEnd, settled } from './support.js';

describe('an in-memory connection', () => {
  it('carries bytes both ways, whole and in order', async () => {
    const [a, b] = createDuplexPair();
    const [toB, toA] = [noise(3_000_000), noise(2_000_001)];
    a.end(toB);
    b.end(toA);
    const [atA, atB] = await Promise.all([readToEnd(a), readToEnd(b)]);
    expect(atA.equals(toA)).toBe(true);
    expect(atB.equals(toB)).toBe(true);
  });

  it('can be closed in one direction and used in the other', async () => {
    const [a, b] = createDuplexPair();
    a.end('question');
    expect((await readToEnd(b)).toString()).toBe('question');
    b.end('answer after the end');
    expect((await readToEnd(a)).toString()).toBe('answer after the end');
  });

  it('makes a writer wait while the other end does not read', async () => {
    const [a, b] = createDuplexPair();
    let written = 0;
    while (a.write(Buffer.alloc(1000)) && written < 1e6) written += 1000;
    await settled();
    expect(written).toBeLessThan(100_000);
    expect(a.writableNeedDrain).toBe(true);
    b.resume();
    await once(a, 'drain');
    a.destroy();
  });

  it('accepts empty writes', async () => {
    const [a, b] = createDuplexPair();
    a.write('');
    a.end('x');
    expect((await readToEnd(b)).toString()).toBe('x');
  });

  it('lets the other end read what was sent before a destroy, and then breaks its writes', async () => {
    const [a, b] = createDuplexPair();
    a.write('last words');
    await settled();
    b.read(0);
    await settled();
    a.destroy();
    expect((await readToEnd(b)).toString()).toBe('last words');
    const error = once(b, 'error');
    b.write('x');
    expect(await error).toMatchObject([{ code: 'EPIPE' }]);
  });

  it('resets the other end when it is destroyed with an error', async () => {
    const [a, b] = createDuplexPair();
    const error = once(b, 'error');
    a.destroy(new Error('cut'));
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(b.destroyed).toBe(true);
  });
});
