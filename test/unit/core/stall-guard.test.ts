import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { StallGuard } from '../../../src/core/stall-guard.js';

/** A guard whose timer fires when the test says: as late as in a process that slept. */
function createBench() {
  let fire: (() => void) | undefined;
  const clock: Clock = {
    now: () => 0,
    after: (_delayMs, callback) => {
      fire = callback;
      return { cancel: () => (fire = undefined) };
    },
  };
  const state = { taken: 0, waiting: true, stalls: 0 };
  const guard = new StallGuard({
    clock,
    patienceMs: 10,
    takenBytes: () => state.taken,
    waiting: () => state.waiting,
    stalled: () => (state.stalls += 1),
  });
  const elapse = (): void => {
    const due = fire;
    fire = undefined;
    due?.();
  };
  return { guard, state, elapse, armed: () => fire !== undefined };
}

describe('StallGuard', () => {
  it('R19: checks twice, so that one late timer does not make a stall', () => {
    const { guard, state, elapse } = createBench();
    guard.watch();
    elapse();
    expect(state.stalls).toBe(0);
    state.taken += 1;
    elapse();
    elapse();
    expect(state.stalls).toBe(0);
    elapse();
    expect(state.stalls).toBe(1);
  });

  it('does not check while no bytes wait, and starts again later', () => {
    const { guard, state, elapse, armed } = createBench();
    state.waiting = false;
    guard.watch();
    expect(armed()).toBe(false);
    state.waiting = true;
    guard.watch();
    elapse();
    state.waiting = false;
    elapse();
    expect(armed()).toBe(false);
    state.waiting = true;
    guard.watch();
    elapse();
    expect(state.stalls).toBe(0);
  });

  it('can be cancelled', () => {
    const { guard, elapse, state, armed } = createBench();
    guard.watch();
    guard.cancel();
    elapse();
    expect([state.stalls, armed()]).toEqual([0, false]);
  });
});
