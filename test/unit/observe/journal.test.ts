import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { LabEvent } from '../../../src/core/events.js';
import { createJournal, type Journal } from '../../../src/observe/journal.js';

function start(capacity = 100): { journal: Journal; clock: ManualClock } {
  const clock = new ManualClock();
  clock.advance(1000);
  return { clock, journal: createJournal({ clock, capacity }) };
}

const connected = (agent: string, server: string) =>
  ({ kind: 'agent.connected', node: `agent/${agent}`, peer: `server/${server}` }) as const;

describe('the journal', () => {
  it('gives events their place, and their time since it began', () => {
    const { journal, clock } = start();
    journal.emit({ kind: 'lab.ready', node: 'lab/main' });
    clock.advance(12.5);
    journal.emit({ kind: 'lab.stopped', node: 'lab/main' });
    expect(journal.events().map(({ seq, t, kind }) => [seq, t, kind])).toEqual([
      [1, 0, 'lab.ready'],
      [2, 12.5, 'lab.stopped'],
    ]);
    expect(journal.mark()).toBe(2);
  });

  it('keeps the newest events and counts those it dropped', () => {
    const { journal } = start(3);
    for (let count = 0; count < 8; count++) journal.emit(connected(`node-${count}`, 's'));
    expect(journal.events().map(({ seq }) => seq)).toEqual([6, 7, 8]);
    expect(journal.dropped).toBe(5);
  });

  it('tells subscribers each later event in order, until they leave', () => {
    const { journal } = start();
    const seen: number[] = [];
    journal.emit(connected('a', 's'));
    const leave = journal.subscribe(({ seq }) => seen.push(seq));
    journal.emit(connected('b', 's'));
    journal.emit(connected('c', 's'));
    leave();
    journal.emit(connected('d', 's'));
    expect(seen).toEqual([2, 3]);
  });

  it('removes a subscriber that throws, and others are not disturbed', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { journal } = start();
    const seen: LabEvent[] = [];
    journal.subscribe(() => {
      throw new Error('broken');
    });
    journal.subscribe((event) => seen.push(event));
    journal.emit(connected('a', 's'));
    journal.emit(connected('b', 's'));
    expect(seen).toHaveLength(2);
    expect(warning).toHaveBeenCalledTimes(1);
    warning.mockRestore();
  });

  it('refuses a wrong capacity', () => {
    expect(() => start(0)).toThrow('a journal cannot hold 0 events');
  });
});

describe('waiting', () => {
  it('finds an event that already happened', async () => {
    const { journal } = start();
    journal.emit(connected('node-1', 'server-1'));
    expect((await journal.waitFor({ kind: 'agent.connected', node: 'agent/node-1' })).seq).toBe(1);
  });

  it('skips what happened before the mark', async () => {
    const { journal } = start();
    journal.emit(connected('node-1', 'server-1'));
    const wait = journal.waitFor({ kind: 'agent.connected' }, { since: journal.mark() });
    journal.emit({ kind: 'agent.connecting', node: 'agent/node-2' });
    journal.emit(connected('node-2', 'server-1'));
    expect((await wait).node).toBe('agent/node-2');
  });

  it('takes wildcards, regular expressions, numbers and predicates', async () => {
    const { journal } = start();
    journal.emit({
      kind: 'packet',
      node: 'agent/a.b',
      peer: 'server/1',
      dir: 'out',
      packet: 'DATA',
      bytes: 5,
    });
    const found = await Promise.all([
      journal.waitFor({ kind: 'packet', node: 'agent/*', bytes: 5 }),
      journal.waitFor({ kind: 'packet', peer: /^server\/\d$/g }),
      journal.waitFor((event) => event.kind === 'packet' && event.bytes > 4),
    ]);
    expect(found.map(({ seq }) => seq)).toEqual([1, 1, 1]);
    const miss = journal.waitFor({ kind: 'packet', node: 'agent/a*c' }, { withinMs: 1 });
    journal.close();
    await expect(miss).rejects.toMatchObject({ code: 'LAB_STOPPED' });
  });

  it('shows the best match and the last events after the timeout', async () => {
    const { journal, clock } = start();
    const wait = journal.waitFor(
      { kind: 'agent.connected', node: 'agent/node-1', peer: 'server/server-2' },
      { withinMs: 500 },
    );
    clock.advance(20);
    journal.emit(connected('node-1', 'server-1'));
    journal.emit(connected('node-3', 'server-1'));
    clock.advance(480);
    await expect(wait).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: [
        'no agent.connected node=agent/node-1 peer=server/server-2 within 500 ms',
        'nearest: #1 20.0 ms  agent/node-1 · server/server-1  agent.connected (differs in peer)',
        'last events:',
        '  #1 20.0 ms  agent/node-1 · server/server-1  agent.connected',
        '  #2 20.0 ms  agent/node-3 · server/server-1  agent.connected',
      ].join('\n'),
    });
  });

  it('says that no event happened', async () => {
    const { journal, clock } = start();
    const wait = journal.waitFor(() => false, { withinMs: 10 });
    clock.advance(10);
    await expect(wait).rejects.toThrow(
      'no event matching the predicate within 10 ms\nno event since the mark',
    );
  });

  it('leaves no timer and no listener at any end', async () => {
    const { journal, clock } = start();
    const controller = new AbortController();
    const aborted = journal.waitFor(() => false, { signal: controller.signal });
    const failed = journal.waitFor(() => {
      throw new Error('bad predicate');
    });
    const found = journal.waitFor({ kind: 'lab.ready' });
    controller.abort(new Error('enough'));
    journal.emit({ kind: 'lab.ready', node: 'lab/main' });
    await expect(aborted).rejects.toThrow('enough');
    await expect(failed).rejects.toThrow('bad predicate');
    await found;
    expect(clock.pendingTimers).toBe(0);
    await expect(journal.waitFor(() => true, { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('ends with the journal', async () => {
    const { journal, clock } = start();
    const wait = journal.waitFor({ kind: 'lab.ready' });
    journal.close();
    journal.close();
    await expect(wait).rejects.toMatchObject({ code: 'LAB_STOPPED' });
    await expect(journal.waitFor({ kind: 'lab.ready' })).rejects.toMatchObject({ code: 'LAB_STOPPED' });
    expect(clock.pendingTimers).toBe(0);
  });
});
