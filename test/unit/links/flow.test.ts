import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { holdAll } from '../../../src/links/faults/hold.js';
import { FlowMachine, type FlowSide } from '../../../src/links/flow.js';

function flow() {
  const clock = new ManualClock();
  const calls: string[] = [];
  const machine = new FlowMachine(clock, {
    write: (side, bytes) => void calls.push(`${bytes.length} to ${side}`),
    end: (side) => void calls.push(`end ${side}`),
    reset: (side) => void calls.push(`reset ${side}`),
    hold: (side, held) => {
      if (held) calls.push(`hold ${side}`);
    },
    stopped: (verdict, idleMs) => void calls.push(`${verdict} after ${idleMs}`),
    lost: (from, sizeBytes) => void calls.push(`lost ${sizeBytes} from ${from}`),
    closed: (end) => void calls.push(`closed ${end}`),
  });
  return { clock, calls, machine };
}

const bytes = (size: number): Uint8Array => new Uint8Array(size);

describe('a flow of a link', () => {
  it('passes bytes on and counts them by side', () => {
    const { machine, calls } = flow();
    machine.received('client', bytes(5));
    machine.received('target', bytes(7));
    expect(machine.counts).toEqual({ client: 5, target: 7, lost: 0 });
    expect(calls).toEqual(['5 to target', '7 to client']);
  });

  it('knows how long neither side has sent, and how old it is', () => {
    const { clock, machine } = flow();
    clock.advance(59_999);
    machine.received('target', bytes(1));
    clock.advance(30);
    expect([machine.idleMs, machine.ageMs]).toEqual([30, 60_029]);
  });

  it('loses bytes after a drop, reports that once, and does not pass on an end', () => {
    const { clock, machine, calls } = flow();
    clock.advance(60_000);
    machine.stop('drop');
    machine.received('client', bytes(9));
    machine.received('target', bytes(3));
    machine.ended('client');
    machine.gone('client', false);
    expect(calls).toEqual(['drop after 60000', 'lost 9 from client', 'end client']);
    expect(machine.counts.lost).toBe(12);
    machine.gone('target', true);
    expect(calls.at(-1)).toBe('closed forgotten');
  });

  it.each([
    ['reset', ['reset after 0', 'reset client', 'reset target']],
    ['fin', ['fin after 0', 'end client', 'end target']],
  ] as const)('tells both ends of a %s', (verdict, told) => {
    const { machine, calls } = flow();
    machine.stop(verdict);
    machine.stop('drop');
    expect(calls).toEqual(told);
    machine.gone('client', true);
    machine.gone('target', true);
    expect(calls.slice(3)).toEqual(['closed cut']);
  });

  it('resets one end alone, when the other shall hear nothing', () => {
    const { machine, calls } = flow();
    machine.stop('drop', { told: 'client' });
    machine.gone('client', true);
    machine.received('target', bytes(2));
    expect(calls).toEqual(['drop after 0', 'reset client', 'lost 2 from target']);
  });

  it('resets the end that sends again, when the flow has expired', () => {
    const { machine, calls } = flow();
    machine.stop('drop', { answers: true });
    machine.received('client', bytes(4));
    expect(calls).toEqual(['drop after 0', 'lost 4 from client', 'reset client']);
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

  it('calls a mark after exactly so many bytes', () => {
    const { machine, calls } = flow();
    machine.received('client', bytes(3));
    machine.atBytes('client', 10, () => machine.stop('fin'));
    machine.received('target', bytes(50));
    machine.received('client', bytes(25));
    expect(calls).toEqual([
      '3 to target',
      '50 to client',
      '10 to target',
      'fin after 0',
      'end client',
      'end target',
      'lost 15 from client',
    ]);
  });

  it('stops reading a side whose stages hold much, until they pass it on', () => {
    const { machine, calls } = flow();
    const remove = machine.addStage('client', holdAll);
    for (let mebibyte = 0; mebibyte < 6; mebibyte++) machine.received('client', bytes(1024 * 1024));
    expect(calls).toEqual(['hold client']);
    remove();
    expect(calls.slice(1)).toEqual(Array(6).fill('1048576 to target'));
  });

  it('closes once, keeps the order and loses no byte while it is open, whatever happens', () => {
    const side = fc.constantFrom<FlowSide>('client', 'target');
    const step = fc.oneof(
      fc.record({ do: fc.constant('received' as const), side, size: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ do: fc.constant('ended' as const), side }),
      fc.record({ do: fc.constant('gone' as const), side, broken: fc.boolean() }),
      fc.record({ do: fc.constant('hold' as const), side }),
      fc.record({ do: fc.constant('heal' as const) }),
      fc.record({ do: fc.constant('stop' as const), verdict: fc.constantFrom('drop', 'reset', 'fin') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { machine, calls } = flow();
        const removes: (() => void)[] = [];
        for (const one of steps) {
          if (one.do === 'received') machine.received(one.side, bytes(one.size));
          else if (one.do === 'ended') machine.ended(one.side);
          else if (one.do === 'gone') machine.gone(one.side, one.broken);
          else if (one.do === 'hold') removes.push(machine.addStage(one.side, holdAll));
          else if (one.do === 'heal') for (const remove of removes.splice(0)) remove();
          else machine.stop(one.verdict);
        }
        for (const remove of removes) remove();
        const { client, target, lost } = machine.counts;
        const passed = calls
          .filter((call) => / to (client|target)$/.test(call))
          .map((call) => Number.parseInt(call, 10));
        const total = passed.reduce((sum, size) => sum + size, 0);
        if (!machine.over) expect(total + lost).toBe(client + target);
        machine.gone('client', true);
        machine.gone('target', true);
        expect(calls.filter((call) => call.startsWith('closed'))).toHaveLength(1);
        expect(calls.filter((call) => / after /.test(call)).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
