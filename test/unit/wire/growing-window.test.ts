import { type ClientHttp2Session, connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { GrowingWindow, maxWindowBytes, windowBytes } from '../../../src/wire/carrier/growing-window.js';
import { once, soon } from '../../support/waits.js';

let server: Http2Server;
let session: ClientHttp2Session;
let nowMs = 0;
const clock: Clock = { now: () => nowMs, after: () => ({ cancel: () => undefined }) };

beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on('error', () => undefined);
  await once(session, 'localSettings');
});

afterEach(async () => {
  session.destroy();
  server.close();
  await once(server, 'close');
});

const acknowledged = (): Promise<unknown> => once(session, 'localSettings');
const sizeBytes = (): number | undefined => session.localSettings.initialWindowSize;

/** A window whose other end is that far away. */
async function openWindow(roundTripMs: number): Promise<GrowingWindow> {
  const window = new GrowingWindow(session, clock);
  window.received(1);
  for (let probe = 0; probe < 8; probe += 1) {
    nowMs += roundTripMs;
    await acknowledged();
  }
  return window;
}

describe('a receive window', () => {
  it('starts with enough for a near end', async () => {
    await openWindow(0.2);
    expect(sizeBytes()).toBe(windowBytes);
    expect(session.state.effectiveLocalWindowSize).toBe(windowBytes);
  });

  it('doubles while a round trip fills much of it, up to its limit', async () => {
    const window = await openWindow(10);
    // What came slowly after a rest does not count.
    window.received(windowBytes / 2);
    for (let bytes = windowBytes; bytes < maxWindowBytes; bytes *= 2) {
      window.received(bytes / 2);
      nowMs += 10;
      await acknowledged();
      expect(sizeBytes()).toBe(2 * bytes);
      expect(session.state.effectiveLocalWindowSize).toBe(2 * bytes);
    }
    nowMs += 10;
    window.received(maxWindowBytes);
    await soon((resolve) => session.ping(resolve), 'answer to a ping');
    expect(sizeBytes()).toBe(maxWindowBytes);
  });

  it.each([
    ['the other end is near', 0.2, 10],
    ['little comes', 10, 100],
  ])('stays as it is when %s', async (_why, roundTripMs, tookMs) => {
    const window = await openWindow(roundTripMs);
    for (let count = 0; count < 4; count += 1) {
      nowMs += tookMs;
      window.received(windowBytes / 2);
    }
    await soon((resolve) => session.ping(resolve), 'answer to a ping');
    expect(sizeBytes()).toBe(windowBytes);
  });

  it('does not change after its session has ended', async () => {
    const window = await openWindow(10);
    session.destroy();
    nowMs += 10;
    expect(() => window.received(windowBytes)).not.toThrow();
  });
});
