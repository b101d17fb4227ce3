import { describe, expect, it } from 'vitest';
import {
  agentKeepalivePolicy,
  frontendKeepalivePolicy,
  type KeepalivePolicy,
  PingStrikes,
} from '../../../src/core/keepalive-policy.js';

/** Which ping of a series, 1 for the first, is one too many; 0 for none of them. */
function struckAt(policy: KeepalivePolicy, everyMs: number, { streams = 1, count = 50 } = {}): number {
  const strikes = new PingStrikes(policy);
  for (let ping = 1; ping <= count; ping++) if (strikes.ping(ping * everyMs, streams)) return ping;
  return 0;
}

describe('keepalive pings', () => {
  it('that come every second are too many at the fourth: the first is free, two more are forgiven', () => {
    expect(struckAt(agentKeepalivePolicy, 1000)).toBe(4);
  });

  it.each([0, 1])('of an agent may come every 30 s, with %d streams', (streams) => {
    expect(struckAt(agentKeepalivePolicy, 30_000, { streams })).toBe(0);
    expect(struckAt(agentKeepalivePolicy, 29_999, { streams })).toBe(4);
  });

  it('of a frontend may come every five minutes while it has a stream, else every two hours', () => {
    expect(struckAt(frontendKeepalivePolicy, 300_000)).toBe(0);
    expect(struckAt(frontendKeepalivePolicy, 299_999)).toBe(4);
    expect(struckAt(frontendKeepalivePolicy, 300_000, { streams: 0 })).toBe(4);
    expect(struckAt(frontendKeepalivePolicy, 7_200_000, { streams: 0 })).toBe(0);
  });

  it('that were too early stay counted when later ones are in time', () => {
    const strikes = new PingStrikes(agentKeepalivePolicy);
    const times = [0, 1000, 2000, 60_000, 61_000];
    expect(times.map((at) => strikes.ping(at, 1))).toEqual([false, false, false, false, true]);
  });

  it('begin anew when something was sent, and the one after it is free', () => {
    const strikes = new PingStrikes(agentKeepalivePolicy);
    for (const at of [0, 1000, 2000]) strikes.ping(at, 1);
    strikes.sent();
    const later = [3000, 4000, 5000, 6000].map((at) => strikes.ping(at, 1));
    expect(later).toEqual([false, false, false, true]);
  });

  it('are never too many when the server sends something before each', () => {
    const strikes = new PingStrikes(agentKeepalivePolicy);
    const answers = Array.from({ length: 100 }, (_, at) => (strikes.sent(), strikes.ping(at, 1)));
    expect(answers).not.toContain(true);
  });
});
