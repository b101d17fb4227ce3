import { expect, it, vi } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { FaultDocument } from '../../../src/links/fault-document.js';
import { FaultSet } from '../../../src/links/fault-set.js';

function faultSet(names = ['agent/node-1', 'agent/node-2', 'kubelet/node-1', 'client/lab']) {
  const clock = new ManualClock();
  const events: EventBody[] = [];
  const emit = (event: EventBody): void => {
    events.push(event);
    // One that never ends would end no test either.
    if (events.length > 1000) throw new Error('too many events');
    set.see(event);
  };
  const set = new FaultSet(
    { node: 'lab/lab', clock, random: createRandom(1), emit },
    { flows: () => [], calm: () => undefined },
  );
  const done: string[] = [];
  set.attend(() =>
    names.map((name) => ({
      name,
      deeds: {
        kill: () => {
          done.push(`kill ${name}`);
          return () => void done.push(`start ${name}`);
        },
      },
    })),
  );
  return { set, clock, events, done };
}

it('is done to the parts of its pattern, told for each, and undone when it is removed', () => {
  const { set, events, done } = faultSet();
  const fault = set.set({ on: { part: 'agent/*' }, do: 'kill' });
  expect(done).toEqual(['kill agent/node-1', 'kill agent/node-2']);
  expect(fault.remove()).toEqual({ healed: 2, broken: 0 });
  expect(done.slice(2)).toEqual(['start agent/node-1', 'start agent/node-2']);
  const hit = { kind: 'fault.hit', node: 'lab/lab', fault: 'fault-1', action: 'kill' };
  expect(events.slice(1, 3)).toEqual([
    { ...hit, part: 'agent/node-1' },
    { ...hit, part: 'agent/node-2' },
  ]);
});

it('ends by itself, and comes again and again', () => {
  const { set, clock, done } = faultSet(['agent/node-1']);
  set.set({ on: { part: 'agent/1' }, do: 'kill', for: '2s' });
  clock.advance(2000);
  expect(done).toEqual(['kill agent/node-1', 'start agent/node-1']);
  expect(set.active).toEqual([]);
  const again = set.set({ on: { part: 'agent/1' }, when: { every: '10s' }, do: 'kill', for: '1s', limit: 2 });
  clock.advance(60_000);
  expect(again.hits).toBe(2);
  expect(done.slice(2)).toEqual(['kill', 'start', 'kill', 'start'].map((verb) => `${verb} agent/node-1`));
});

it('begins after an event', async () => {
  const { set, done } = faultSet(['agent/node-1']);
  set.set({ on: { part: 'agent/*' }, when: { event: 'agent.connected', fields: { peer: 's' } }, do: 'kill' });
  set.see({ kind: 'agent.connected', node: 'agent/node-1', peer: 't' });
  set.see({ kind: 'agent.connected', node: 'agent/node-1', peer: 's' });
  expect(done).toEqual([]);
  await vi.waitFor(() => expect(done).toEqual(['kill agent/node-1']));
});

it('does not begin at its own event, and two that begin at each other let time pass', async () => {
  const { set, clock, done } = faultSet(['agent/node-1', 'agent/node-2']);
  const at = { event: 'fault.hit' };
  const own = set.set({ on: { part: 'agent/1' }, when: at, do: 'kill' });
  set.set({ on: { part: 'agent/2' }, do: 'kill' });
  await vi.waitFor(() => expect(own.hits).toBe(1));
  set.heal();
  done.length = 0;
  set.set({ on: { part: 'agent/1' }, when: at, do: 'kill' });
  const other = set.set({ on: { part: 'agent/2' }, when: at, do: 'kill' });
  set.set({ on: { part: 'agent/2' }, do: 'kill', limit: 1 }).remove();
  await vi.waitFor(() => expect(other.hits).toBeGreaterThan(0));
  const hits = other.hits;
  expect(done.length).toBeLessThan(20);
  clock.advance(2);
  await vi.waitFor(() => expect(other.hits).toBeGreaterThan(hits));
  set.heal();
});

it('cannot be set when all is over, and leaves no timer', () => {
  const { set, clock } = faultSet();
  set.set({ on: { part: 'agent/1' }, when: { every: '1s' }, do: 'kill' });
  set.close();
  expect(clock.pendingTimers).toBe(0);
  const late = (): unknown => set.set({ on: { part: 'agent/1' }, when: { every: '1s' }, do: 'kill' });
  expect(late).toThrow(expect.objectContaining({ code: 'LAB_STOPPED' }));
});

it('does not bring back a part that another fault keeps down', () => {
  const { set, clock, done } = faultSet(['agent/node-1', 'agent/node-2']);
  const kept = set.set({ on: { part: 'agent/1' }, do: 'kill' });
  set.set({ on: { part: 'agent/*' }, do: 'kill', for: '1s' });
  done.length = 0;
  clock.advance(1000);
  expect(done).toEqual(['start agent/node-2']);
  kept.remove();
  expect(done).toEqual(['start agent/node-2', 'start agent/node-1', 'start agent/node-1']);
});

it('is done by a part that can do it later', () => {
  const { set } = faultSet();
  const deed = vi.fn(() => undefined);
  const points = set.points('kubelet/node-1');
  const fault = set.set({ on: { part: 'kubelet/*' }, do: 'kill' });
  const withdraw = points.offer('kill', deed, { peer: 'x' });
  expect(deed).toHaveBeenCalledTimes(1);
  withdraw();
  fault.remove();
  set.set({ on: { part: 'kubelet/*' }, do: 'kill' });
  expect(deed).toHaveBeenCalledTimes(1);
});

it.each([
  [{ do: 'kill' }, /on: kill is a fault of parts: \{ part: 'agent\/\*' \}/],
  [{ on: { part: 'agent/*' }, direction: 'toClient', do: 'kill' }, /direction: kill has none/],
  [{ on: { part: 'agent/*' }, when: { idleFor: 1 }, do: 'kill' }, /when: kill takes now, \{ event \} or/],
  [{ on: { part: 'agent/*', from: 'x' }, do: 'kill' }, /on: takes from and to, or part/],
  [{ on: { from: 'agent/*' }, when: { nth: 2 }, do: 'reset' }, /when: reset is on links: \{ connection \}/],
  [
    { on: { part: 'agent/node-9' }, do: 'kill' },
    /no part is called agent\/node-9; there are agent\/node-1, /,
  ],
  [{ on: { part: 'client/lab' }, do: 'kill' }, /client\/lab cannot have kill; there are agent\/node-1, /],
] as const)('%j is refused', (document, text) => {
  const { set } = faultSet();
  expect(() => set.set(document as never)).toThrow(text);
  expect(set.active).toEqual([]);
});

it.each<[unknown, string]>([
  [{ certificate: { is: 'old' } }, 'do.certificate.is: Invalid option'],
  [{ tls: {} }, 'do.tls: needs alpn or version'],
  [{ clock: { offset: 'soon' } }, 'do.clock.offset: is no offset, such as -1h or 9000h'],
  [{ clock: { offset: 1e15 } }, 'do.clock.offset: is more than 1000 years'],
  [{ answer: { status: 418 } }, 'do.answer.status: must be one of 401, 403, 405, 500, 503'],
  [{ slow: { at: 'tls', delay: '-1s' } }, 'do.slow.delay: is no duration'],
])('%j is refused by the name of its field', (action, text) => {
  const { set } = faultSet();
  expect(() => set.set({ on: { part: '*' }, do: action as FaultDocument['do'] })).toThrow(text);
});
