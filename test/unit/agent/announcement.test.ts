import { describe, expect, it } from 'vitest';
import { Announcement } from '../../../src/agent/announcement.js';
import { ManualClock } from '../../../src/core/clock.js';
import type { FaithfulName } from '../../../src/core/faithful.js';

describe('silent-server-hangs', () => {
  const wait = async (...faithful: FaithfulName[]): Promise<string> => {
    const clock = new ManualClock();
    const options = { clock, connectTimeoutMs: 10_000, server: '127.0.0.1:8091', name: 'a', faithful };
    const { promise } = new Announcement(options);
    clock.advance(3_600_000);
    const outcome = promise.then(
      () => 'announced',
      (error: Error) => error.message,
    );
    // A settled promise comes first; the microtasks of a pending one never do.
    const later = new Promise<string>((resolve) => setImmediate(() => resolve('still waiting')));
    return Promise.race([outcome, later]);
  };

  it('waits for a silent server for ever; without it the attempt fails', async () => {
    expect(await wait('silent-server-hangs')).toBe('still waiting');
    expect(await wait()).toBe('the server does not announce itself');
  });
});
