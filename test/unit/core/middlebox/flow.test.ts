import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../src/core/clock.js';
import { FlowMachine, type FlowPolicy, type FlowSide } from '../../../../src/links/flow.js';

function flow(policy: FlowPolicy = { idleTimeoutMs: 60_000, onIdle: 'drop' }) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const state = { policy };
  const machine = new FlowMachine(clock, {
    policy: () => state.policy,
    end: (side) => void calls.push(`end ${side}`),
    reset: (side) => void calls.push(`reset ${side}`),
    forgotten: (verdict, idleMs) => void calls.push(`forgotten ${verdict} after ${idleMs}`),
    lost: (from, sizeBytes) => void calls.push(`lost ${sizeBytes} from ${from}`),
    closed: (end) => void calls.push(`closed ${end}`),
  });
  return { clock, calls, machine, state };
}

describe('a flow through a middlebox', () => {
  it('passes bytes on and counts them by side', () => {
    const { machine, calls } = flow();
    expect(machine.received('client', 5)).toBe(true);
    expect(machine.received('target', 7)).toBe(true);
    expect(machine.counts).toEqual({ client: 5, target: 7, lost: 0 });
    expect(calls).toEqual([]);
  });

  it('is forgotten after the idle time, counted from the last bytes in either direction', () => {
    const { clock, machine, calls } = flow();
    clock.advance(59_999);
    machine.received('target', 1);
    clock.advance(59_999);
    machine.received('client', 1);
    clock.advance(59_999);
    expect(calls).toEqual([]);
    clock.advance(1);
    expect(calls).toEqual(['forgotten drop after 60000']);
  });

  it('loses bytes after a drop, reports that once, and does not pass on an end', () => {
    const { clock, machine, calls } = flow();
    clock.advance(60_000);
    expect(machine.received('client', 9)).toBe(false);
    expect(machine.received('target', 3)).toBe(false);
    machine.ended('client');
    machine.gone('client', false);
    expect(calls).toEqual(['forgotten drop after 60000', 'lost 9 from client', 'end client']);
    expect(machine.counts.lost).toBe(12);
    machine.gone('target', true);
    expect(calls.at(-1)).toBe('closed forgotten');
  });

  it('is reset at both ends by the other verdict', () => {
    const { clock, machine, calls } = flow({ idleTimeoutMs: 10, onIdle: 'reset' });
    clock.advance(10);
    expect(calls).toEqual(['forgotten reset after 10', 'reset client', 'reset target']);
    machine.gone('client', true);
    machine.gone('target', true);
    expect(calls.slice(3)).toEqual(['closed idle reset']);
  });

  it('passes a half-close on and ends in order', () => {
    const { machine, calls } = flow();
    machine.ended('client');
    machine.ended('target');
    machine.gone('client', false);
    machine.gone('target', false);
    expect(calls).toEqual(['end target', 'end client', 'closed fin']);
  });

  it('passes a reset on', () => {
    const { machine, calls } = flow();
    machine.gone('target', true);
    machine.gone('client', true);
    expect(calls).toEqual(['reset client', 'closed reset']);
  });

  it('uses a changed policy at once after reconsider', () => {
    const { clock, machine, calls, state } = flow({ idleTimeoutMs: 0, onIdle: 'drop' });
    clock.advance(100_000);
    state.policy = { idleTimeoutMs: 5000, onIdle: 'drop' };
    machine.reconsider();
    clock.advance(0);
    expect(calls).toEqual(['forgotten drop after 100000']);
  });

  it('leaves no timer and closes once, whatever the order of events', () => {
    const side = fc.constantFrom<FlowSide>('client', 'target');
    const step = fc.oneof(
      fc.record({ do: fc.constant('received' as const), side, size: fc.nat(100) }),
      fc.record({ do: fc.constant('ended' as const), side }),
      fc.record({ do: fc.constant('gone' as const), side, broken: fc.boolean() }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20) }),
      fc.record({
        do: fc.constant('forget' as const),
        verdict: fc.constantFrom('drop' as const, 'reset' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { clock, machine, calls } = flow({ idleTimeoutMs: 30, onIdle: 'drop' });
        for (const one of steps) {
          if (one.do === 'received') machine.received(one.side, one.size);
          else if (one.do === 'ended') machine.ended(one.side);
          else if (one.do === 'gone') machine.gone(one.side, one.broken);
          else if (one.do === 'wait') clock.advance(one.ms);
          else machine.forget(one.verdict);
        }
        machine.gone('client', true);
        machine.gone('target', true);
        expect(clock.pendingTimers).toBe(0);
        expect(calls.filter((call) => call.startsWith('closed'))).toHaveLength(1);
        expect(calls.filter((call) => call.startsWith('forgotten')).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
