import { describe, expect, it } from 'vitest';
import type { EventBody, LabEvent } from '../../../src/core/events.js';
import { misplacedData } from '../../../src/observe/data-order.js';
import { unfinishedDials } from '../../../src/observe/unfinished.js';

const journal = (...bodies: readonly EventBody[]): LabEvent[] =>
  bodies.map((body, index) => ({ ...body, seq: index + 1, t: index }));

const client = { node: 'client/lab', peer: 'server/server-1' } as const;
const agent = { node: 'agent/node-1', peer: 'server/server-1' } as const;

/** A dial, and its answer at the agent: the IDs of the connection. */
const begin = (dialId: string, connectId: string): EventBody[] => [
  { kind: 'dial.started', ...client, dialId, address: '10.0.1.11:10250', request: `exec-${dialId}` },
  { kind: 'packet', ...agent, dir: 'out', packet: 'DIAL_RSP', bytes: 0, dialId, connectId },
];
const data = { kind: 'packet', packet: 'DATA' } as const;
const atClient = (dir: 'in' | 'out', dialId: string, bytes: number): EventBody => ({
  ...data,
  ...client,
  dir,
  bytes,
  dialId,
});
const atAgent = (dir: 'in' | 'out', connectId: string, bytes: number): EventBody => ({
  ...data,
  ...agent,
  dir,
  bytes,
  connectId,
});

describe('the DATA of connections', () => {
  it('is right when it arrives as it was sent, and when the end of a connection is lost', () => {
    const events = journal(
      ...begin('77', '1'),
      ...begin('78', '2'),
      atClient('out', '77', 5),
      atClient('out', '78', 9),
      atAgent('in', '2', 9),
      atAgent('in', '1', 5),
      atAgent('out', '1', 300),
      atAgent('out', '1', 20),
      atClient('in', '77', 300),
    );
    expect(misplacedData(events)).toEqual([]);
  });

  it('is wrong when it comes out of another connection', () => {
    const events = journal(
      ...begin('77', '1'),
      ...begin('78', '2'),
      atClient('out', '77', 5),
      atAgent('in', '2', 5),
    );
    expect(misplacedData(events)).toEqual([
      'DATA to the node, packet 1: 5 B arrived, and it was not sent: client/lab · server/server-1  dial.started  dialId=78  address=10.0.1.11:10250  request=exec-78',
    ]);
  });

  it('is wrong when its order changed', () => {
    const events = journal(
      ...begin('77', '1'),
      atAgent('out', '1', 10),
      atAgent('out', '1', 20),
      atClient('in', '77', 20),
      atClient('in', '77', 10),
    );
    expect(misplacedData(events)).toEqual([
      expect.stringContaining('DATA to the client, packet 1: 20 B arrived, and it was sent with 10 B'),
    ]);
  });

  it('is not judged when the journal has lost the beginning of its dial', () => {
    const events = journal(...begin('77', '1').slice(1), atAgent('in', '1', 5));
    expect(misplacedData(events)).toEqual([]);
  });

  it('belongs to the latest connection of its number', () => {
    const events = journal(
      ...begin('77', '1'),
      atClient('out', '77', 5),
      atAgent('in', '1', 5),
      ...begin('78', '1'),
      atClient('out', '78', 6),
      atAgent('in', '1', 6),
    );
    expect(misplacedData(events)).toEqual([]);
  });
});

describe('dials that have not ended', () => {
  it('are those that began and neither failed nor closed where they began', () => {
    const end = { kind: 'connection.closed', ...client } as const;
    const events = journal(...begin('77', '1'), ...begin('78', '2'), { ...end, dialId: '78' });
    expect(unfinishedDials(events).map(({ dialId }) => dialId)).toEqual(['77']);
  });

  it('end with the part that has them', () => {
    const dialing = { kind: 'endpoint.dialing', ...agent, dialId: '77' } as const;
    const events = journal(dialing, { kind: 'role.killed', node: agent.node });
    expect(unfinishedDials(events)).toEqual([]);
  });
});
