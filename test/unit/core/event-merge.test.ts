import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOffsetMs, EventMerge, type PlacedEvent } from '../../../src/cli/admin/event-merge.js';
import type { LabEvent } from '../../../src/core/events.js';

const event = (seq: number): LabEvent => ({ kind: 'role.started', node: 'x', seq, t: 0 });
const at = (...times: number[]) => times.map((wallMs) => ({ wallMs, event: event(wallMs) }));

function merge() {
  const released: PlacedEvent[] = [];
  const made = new EventMerge({ patienceMs: 1000, release: (one) => void released.push(one) });
  return {
    made,
    lines: () => released.map(({ source, wallMs, late }) => `${late ? '~' : ''}${source}${wallMs}`),
  };
}

describe('merging the events of several processes', () => {
  it('passes on an event when no other source can send an older one', () => {
    const { made, lines } = merge();
    made.join('a', 0, 0);
    made.join('b', 0, 0);
    made.add('a', { events: at(10, 30), sourceNowMs: 40 }, 40);
    expect(lines()).toEqual([]);
    made.add('b', { events: at(20), sourceNowMs: 25 }, 41);
    expect(lines()).toEqual(['a10', 'b20']);
    made.add('b', { events: [], sourceNowMs: 50 }, 51);
    expect(lines()).toEqual(['a10', 'b20', 'a30']);
  });

  it("corrects the times of each source by its clock's offset", () => {
    const { made, lines } = merge();
    made.join('a', 0, 0);
    made.join('b', 5000, 0);
    made.add('b', { events: at(5010), sourceNowMs: 5030 }, 30);
    made.add('a', { events: at(5, 20), sourceNowMs: 30 }, 30);
    expect(lines()).toEqual(['a5', 'b10', 'a20']);
  });

  it('waits for a silent source for a limited time, and marks its late events', () => {
    const { made, lines } = merge();
    made.join('a', 0, 0);
    made.join('b', 0, 0);
    made.add('a', { events: at(100), sourceNowMs: 100 }, 100);
    made.add('a', { events: [], sourceNowMs: 1000 }, 1000);
    expect(lines()).toEqual([]);
    made.add('a', { events: [], sourceNowMs: 1001 }, 1001);
    expect(lines()).toEqual(['a100']);
    made.add('b', { events: at(50, 101), sourceNowMs: 1002 }, 1002);
    expect(lines()).toEqual(['a100', '~b50', 'b101']);
  });

  it('does not wait for a source that left', () => {
    const { made, lines } = merge();
    made.join('a', 0, 0);
    made.join('b', 0, 0);
    made.add('a', { events: at(1), sourceNowMs: 2 }, 2);
    made.leave('b', 3);
    expect(lines()).toEqual(['a1']);
  });

  it('loses nothing, keeps the order of each source, and marks exactly what is out of order', () => {
    const batch = fc.record({
      source: fc.constantFrom('a', 'b', 'c'),
      steps: fc.array(fc.nat(50), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 40 }), (batches) => {
        const released: PlacedEvent[] = [];
        const made = new EventMerge({ patienceMs: 60, release: (one) => void released.push(one) });
        const clocks: Record<string, number> = { a: 0, b: 0, c: 0 };
        for (const source of Object.keys(clocks)) made.join(source, 0, 0);
        let seq = 0;
        let now = 0;
        for (const { source, steps } of batches) {
          const events = steps.map((step) => {
            clocks[source] = (clocks[source] ?? 0) + step;
            return { wallMs: clocks[source] ?? 0, event: event(++seq) };
          });
          now = Math.max(now, clocks[source] ?? 0);
          made.add(source, { events, sourceNowMs: clocks[source] ?? 0 }, now);
        }
        made.flush();
        expect(released).toHaveLength(seq);
        expect(made.waitingEvents).toBe(0);
        for (const name of Object.keys(clocks)) {
          const own = released
            .filter(({ source }) => source === name)
            .map(({ event: { seq: place } }) => place);
          expect(own).toEqual([...own].sort((one, other) => one - other));
        }
        let newest = Number.NEGATIVE_INFINITY;
        for (const { wallMs, late } of released) {
          expect(late).toBe(wallMs < newest);
          newest = Math.max(newest, wallMs);
        }
      }),
    );
  });

  it('uses the clock offset of the quickest answer', () => {
    const slow = { sentMs: 0, otherMs: 1080, receivedMs: 100 };
    const quick = { sentMs: 200, otherMs: 1205, receivedMs: 210 };
    expect(clockOffsetMs([slow, quick])).toBe(1000);
    expect(clockOffsetMs([])).toBe(0);
  });
});
