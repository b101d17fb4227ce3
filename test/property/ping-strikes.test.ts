import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type KeepalivePolicy, PingStrikes } from '../../src/core/keepalive-policy.js';

type Step = { readonly kind: 'sent' } | { readonly kind: 'ping'; readonly streams: number };
interface Timed {
  readonly afterMs: number;
  readonly step: Step;
}

const policies = fc.record({
  minTimeMs: fc.integer({ min: 1, max: 100 }),
  permitWithoutStream: fc.boolean(),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'sent' }) },
  {
    weight: 4,
    arbitrary: fc.nat({ max: 2 }).map((streams): Step => ({ kind: 'ping', streams })),
  },
);
const pauses = fc.oneof(fc.nat({ max: 150 }), fc.constantFrom(7_199_999, 7_200_000));
const runs = fc.array(fc.record({ afterMs: pauses, step: steps }), { maxLength: 60 });

/** What the rule says of a whole history: early pings since the last pardon, told by looking back from each ping. */
function tooMany(policy: KeepalivePolicy, history: readonly (Timed & { at: number })[]): boolean {
  const last = history.at(-1);
  if (last?.step.kind !== 'ping') return false;
  const pings = history.flatMap(({ step, at }, index) =>
    step.kind === 'ping' ? [{ ...step, at, index }] : [],
  );
  const early = pings.map(({ at, streams }, order) => {
    const before = pings[order - 1];
    if (before === undefined) return false;
    const idle = streams === 0 && !policy.permitWithoutStream;
    return at - before.at < (idle ? 7_200_000 : policy.minTimeMs);
  });
  const pardoned = pings.findLastIndex(({ index }, order) =>
    history.slice((pings[order - 1]?.index ?? -1) + 1, index).some(({ step }) => step.kind === 'sent'),
  );
  return early.slice(pardoned + 1).filter(Boolean).length > 2;
}

it('strikes of pings are the early ones since something was last sent, whatever the order', () => {
  fc.assert(
    fc.property(policies, runs, (policy, run) => {
      const strikes = new PingStrikes(policy);
      let at = 0;
      const history: (Timed & { at: number })[] = [];
      for (const timed of run) {
        at += timed.afterMs;
        history.push({ ...timed, at });
        if (timed.step.kind === 'sent') strikes.sent();
        else expect(strikes.ping(at, timed.step.streams)).toBe(tooMany(policy, history));
      }
    }),
    { numRuns: 500 },
  );
});
