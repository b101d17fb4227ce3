import { beforeAll, describe, expect, it } from 'vitest';
import type { WebJournal } from '../../../src/web/model/journal.js';
import { reduce } from '../../../src/web/model/reduce.js';
import { emptyState, isZombie, type State } from '../../../src/web/model/state.js';
import { ailment, deviceOf, idleLeft } from '../../../src/web/model/timers.js';
import { recordedJournal, until } from './recorded.js';

let journal: WebJournal;
beforeAll(async () => {
  journal = await recordedJournal();
});

const lane = 'agent/node-1 server/server-1';

function tunnel(state: State) {
  const found = state.tunnels.get(lane);
  if (found === undefined) throw new Error('no connection of node-1');
  return found;
}

describe('the state of the page', () => {
  it('is the same at any moment, reached from a kept state or from the start', () => {
    let state = emptyState;
    for (const [index, event] of journal.events.entries()) {
      state = reduce(state, event);
      if (index % 37 === 0) expect(journal.stateAfter(index + 1)).toEqual(state);
    }
    expect(journal.stateAfter(40)).toEqual(journal.events.slice(0, 40).reduce(reduce, emptyState));
  });

  it('has both ends of a connection that an agent opened', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'fault.set'));
    expect(tunnel(state)).toMatchObject({ atAgent: { is: 'open' }, atServer: { is: 'open' } });
    expect(isZombie(tunnel(state), state)).toBe(false);
    expect(state.ips.get('node-1')).toBe('10.0.1.11');
  });

  it('knows a zombie: both ends believe, and the network has forgotten', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'flow.forgotten'));
    expect(tunnel(state)).toMatchObject({ atServer: { is: 'open' }, cut: { verdict: 'drop' } });
    expect(isZombie(tunnel(state), state)).toBe(true);
  });

  it('leaves a dead agent without belief, and the server with its own', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'role.killed'));
    expect(state.parts.get('agent/node-1')?.state).toBe('killed');
    expect(tunnel(state).atAgent?.is).toBe('gone');
    expect(isZombie(tunnel(state), state)).toBe(true);
  });

  it('empties the timer of a device from the last packet on', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'fault.set'));
    const device = deviceOf(state, tunnel(state));
    expect(device).toMatchObject({ idleMs: 60_000, words: ['after 60 s idle: drop'] });
    const { lastBytes } = tunnel(state);
    expect(idleLeft(tunnel(state), device, lastBytes + 15_000)?.share).toBeCloseTo(0.75);
    expect(deviceOf(state, { agent: 'agent/node-2', server: 'server/server-1' }).idleMs).toBeUndefined();
  });

  it('knows a part that is frozen, until the fault is healed', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'fault.set'));
    const frozen = { node: 'lab/lab', fault: 'frozen x', action: 'freeze', seq: 1e6, t: state.t } as const;
    const document = JSON.stringify({ on: { part: 'agent/node-1' }, do: 'freeze' });
    const set = reduce(state, { ...frozen, kind: 'fault.set', document });
    expect([ailment(set, 'agent/node-1'), ailment(set, 'agent/node-2')]).toEqual(['frozen', undefined]);
    expect(ailment(reduce(set, { ...frozen, kind: 'fault.healed' }), 'agent/node-1')).toBeUndefined();
  });

  it('refills the timer at each ping, from either end', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'fault.set'));
    const ping = { kind: 'ping.answered', seq: 1e6, durationMs: 1 } as const;
    const [t, later] = [tunnel(state).lastBytes + 31_000, tunnel(state).lastBytes + 40_000];
    const once = reduce(state, { ...ping, t, node: 'agent/node-1', peer: 'server/server-1' });
    expect(tunnel(once).lastBytes).toBe(t);
    const twice = reduce(once, { ...ping, t: later, node: 'server/server-1', peer: 'agent/node-1' });
    expect(tunnel(twice).lastBytes).toBe(later);
  });

  it('has the beliefs of dials, and why an agent was chosen', () => {
    const state = journal.stateAfter(
      until(journal, ({ kind, request }) => kind === 'dial.established' && request === 'exec-2'),
    );
    const dial = [...state.dials.values()].find(({ request }) => request === 'exec-2');
    expect(dial).toMatchObject({
      atServer: 'open',
      atAgent: 'open',
      agent: 'agent/node-2',
      because: 'destHost: agent node-2 claims 10.0.1.12',
    });
  });

  it('is the same where the first events were dropped', () => {
    const shorter = journal.without(150);
    expect(shorter.events[0]?.seq).toBe(151);
    expect(shorter.stateAfter(50)).toEqual(journal.stateAfter(200));
    expect(shorter.end).toBe(journal.end);
  });
});
