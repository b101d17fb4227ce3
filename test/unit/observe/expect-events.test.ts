import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import { expectEvents } from '../../../src/observe/expect-events.js';
import { createJournal, type Journal } from '../../../src/observe/journal.js';
import { within } from '../../support/waits.js';

function start(...events: readonly EventBody[]): { journal: Journal; clock: ManualClock } {
  const clock = new ManualClock();
  const journal = createJournal({ clock });
  for (const event of events) journal.emit(event);
  return { clock, journal };
}

const connecting = (agent: string): EventBody => ({ kind: 'agent.connecting', node: `agent/${agent}` });
const connected = (agent: string): EventBody => ({
  kind: 'agent.connected',
  node: `agent/${agent}`,
  peer: 'server/server-1',
});

async function textOf(wait: Promise<unknown>): Promise<string> {
  const error: unknown = await within(wait, 'end of the wait').then(
    () => 'it came',
    (caught: unknown) => caught,
  );
  return error instanceof Error ? error.message : String(error);
}

describe('expected events in order', () => {
  it('come one after the other, with others between them, before the call or after it', async () => {
    const { journal } = start(connecting('a'), connecting('b'));
    const wait = expectEvents(journal, [
      { kind: 'agent.connecting', node: 'agent/a' },
      { kind: 'agent.connected', node: 'agent/*' },
      { kind: 'agent.connected', node: 'agent/a' },
    ]);
    journal.emit(connected('b'));
    journal.emit(connecting('c'));
    journal.emit(connected('a'));
    expect((await within(wait, 'expected events')).map(({ seq }) => seq)).toEqual([1, 3, 5]);
  });

  it('count only from the mark on', async () => {
    const { journal } = start(connecting('a'), connected('a'));
    const wait = expectEvents(journal, [{ kind: 'agent.connecting' }], { since: journal.mark() });
    journal.emit(connecting('b'));
    expect((await within(wait, 'expected events'))[0].node).toBe('agent/b');
  });

  it('that came in another order are named, with the nearest to the missing one', async () => {
    const { journal, clock } = start(connected('a'), connecting('a'), connected('b'));
    const wait = expectEvents(
      journal,
      [{ kind: 'agent.connecting' }, { kind: 'agent.connected', node: 'agent/a' }],
      { withinMs: 500 },
    );
    const text = textOf(wait);
    clock.advance(500);
    expect((await text).split('\n')).toEqual([
      'no agent.connected node=agent/a within 500 ms',
      '  found    #2 0.0 ms  agent/a  agent.connecting',
      '  missing  agent.connected node=agent/a',
      'out of order: #1 0.0 ms  agent/a · server/server-1  agent.connected',
      'nearest: #3 0.0 ms  agent/b · server/server-1  agent.connected (differs in node)',
      'last events:',
      '  #3 0.0 ms  agent/b · server/server-1  agent.connected',
    ]);
    await expect(wait).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
  });
});

describe('expected events in any order', () => {
  it('have an event for each pattern, also where a wide pattern could take the only one of a narrow pattern', async () => {
    const { journal } = start(connected('a'));
    const wait = expectEvents(
      journal,
      [
        { kind: 'agent.connected' },
        { kind: 'agent.connected', node: 'agent/a' },
        { kind: 'agent.connecting' },
      ],
      { order: 'any' },
    );
    journal.emit(connecting('c'));
    journal.emit(connected('b'));
    expect((await within(wait, 'expected events')).map(({ seq }) => seq)).toEqual([3, 1, 2]);
  });

  it('are not there when two patterns have one event between them', async () => {
    const { journal, clock } = start(connected('a'));
    const wait = expectEvents(
      journal,
      [{ kind: 'agent.connected' }, { kind: 'agent.connected', node: 'agent/a' }],
      { order: 'any', withinMs: 20 },
    );
    const text = textOf(wait);
    clock.advance(20);
    expect(await text).toContain('missing  agent.connected');
  });
});

describe('events that are ruled out', () => {
  const none = [{ kind: 'agent.disconnected' }] as const;

  it('end the wait at once', async () => {
    const { journal } = start(connecting('a'));
    const wait = expectEvents(journal, [{ kind: 'agent.connecting' }, { kind: 'agent.connected' }], { none });
    journal.emit({ kind: 'agent.disconnected', node: 'agent/a', error: 'EOF' });
    expect((await textOf(wait)).split('\n')).toEqual([
      'this was not to happen: #2 0.0 ms  agent/a  agent.disconnected  error=EOF',
      '  found    #1 0.0 ms  agent/a  agent.connecting',
      '  missing  agent.connected',
    ]);
    await expect(wait).rejects.toMatchObject({ code: 'EXPECTATION_FAILED' });
  });

  it('may happen after the last expected event', async () => {
    const { journal } = start(connected('a'), { kind: 'agent.disconnected', node: 'agent/a' });
    await expectEvents(journal, [{ kind: 'agent.connected' }], { none });
  });

  it('are looked for in the past when nothing is expected', async () => {
    const { journal } = start(connecting('a'));
    await expectEvents(journal, [], { none });
    journal.emit({ kind: 'agent.disconnected', node: 'agent/a' });
    await expect(expectEvents(journal, [], { none })).rejects.toMatchObject({ code: 'EXPECTATION_FAILED' });
    await expectEvents(journal, [], { none, since: journal.mark() });
  });
});

it('a wait ends with the journal, and with its signal', async () => {
  const { journal } = start();
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(expectEvents(journal, [{ kind: 'lab.ready' }], { signal })).rejects.toBe(reason);
  const wait = expectEvents(journal, [{ kind: 'lab.ready' }]);
  journal.close();
  await expect(wait).rejects.toMatchObject({ code: 'LAB_STOPPED' });
});
