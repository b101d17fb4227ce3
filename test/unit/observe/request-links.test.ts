import { expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody, PacketEvent } from '../../../src/core/events.js';
import { createJournal } from '../../../src/observe/journal.js';

type Ids = Pick<EventBody, 'request' | 'dialId' | 'connectId'>;

const packet = (node: string, peer: string, ids: Ids): PacketEvent => ({
  ...{ kind: 'packet', node, peer, dir: 'in', packet: 'DATA', bytes: 1 },
  ...ids,
});

function requestsOf(events: readonly EventBody[]): (string | undefined)[] {
  const journal = createJournal({ clock: new ManualClock() });
  for (const event of events) journal.emit(event);
  return journal.events().map(({ request }) => request);
}

it('follows a request by the IDs of its dial and of its connection on each stream', () => {
  const dialled = { kind: 'dial.started', node: 'client/lab', request: 'exec-1', dialId: '7' } as const;
  const told = requestsOf([
    dialled,
    packet('server/server-1', 'client/frontend-1', { dialId: '7' }),
    packet('agent/node-1', 'server/server-1', { dialId: '7', connectId: '3' }),
    packet('agent/node-1', 'server/server-1', { connectId: '3' }),
    packet('agent/node-2', 'server/server-1', { connectId: '3' }),
    packet('server/server-1', 'agent/node-1', { dialId: '8', connectId: '4' }),
  ]);
  expect(told).toEqual(['exec-1', 'exec-1', 'exec-1', 'exec-1', undefined, undefined]);
});

it('forgets the connections of a stream with its end, and takes the next request of a connection', () => {
  const of = (request: string): EventBody => ({
    ...{ kind: 'connection.reused', node: 'apiserver/main', request, dialId: '7' },
  });
  const stream = ['agent/node-1', 'server/server-1'] as const;
  const told = requestsOf([
    of('post-1'),
    packet(...stream, { dialId: '7', connectId: '3' }),
    of('post-2'),
    packet(...stream, { dialId: '7', connectId: '3' }),
    packet(...stream, { connectId: '3' }),
    { kind: 'agent.disconnected', node: stream[0], peer: stream[1] },
    packet(...stream, { connectId: '3' }),
  ]);
  expect(told).toEqual(['post-1', 'post-1', 'post-2', 'post-2', 'post-2', undefined, undefined]);
});

it('remembers a bounded number of dials', () => {
  const dials = Array.from({ length: 5000 }, (_, index) => ({
    ...{ kind: 'dial.started', node: 'client/lab', request: `exec-${index}`, dialId: String(index) },
  })) as EventBody[];
  const told = requestsOf([...dials, packet('server/s', 'agent/a', { dialId: '0' })]);
  expect(told.at(-1)).toBeUndefined();
});
