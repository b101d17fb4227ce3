import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { LabEvent } from '../../../src/core/events.js';
import { createEventLog, type EventLogOptions, levelOf } from '../../../src/observe/event-log.js';

const connected: LabEvent = {
  seq: 1,
  t: 12.34,
  kind: 'agent.connected',
  node: 'agent/node-1',
  peer: 'server/server-1',
};
const data: LabEvent = {
  seq: 2,
  t: 20,
  kind: 'packet',
  node: 'agent/node-1',
  peer: 'server/server-1',
  dir: 'out',
  packet: 'DATA',
  bytes: 14_200,
  connectId: '1',
};
const failed: LabEvent = {
  seq: 3,
  t: 5000,
  kind: 'dial.failed',
  node: 'server/server-1',
  error: 'dial tcp 10.0.1.11:10250: i/o timeout',
  durationMs: 5000.04,
};

async function written(
  options: Omit<EventLogOptions, 'destination'>,
  events: readonly LabEvent[],
): Promise<string> {
  const destination = new PassThrough({ encoding: 'utf8' });
  const log = await createEventLog({ ...options, destination });
  for (const event of events) log(event);
  return String(destination.read() ?? '');
}

describe('the event log', () => {
  it('writes one aligned line for each event', async () => {
    expect(await written({ format: 'text', level: 'trace' }, [connected, data, failed])).toBe(
      [
        '     12.3 ms  INFO   agent/node-1 · server/server-1  agent.connected',
        '     20.0 ms  TRACE  agent/node-1 → server/server-1  DATA 14.2 kB  connectId=1',
        '   5000.0 ms  WARN   server/server-1  dial.failed  error="dial tcp 10.0.1.11:10250: i/o timeout"  durationMs=5000',
        '',
      ].join('\n'),
    );
  });

  it('writes JSON records with level, scope and all fields of the event', async () => {
    const lines = (await written({ format: 'json' }, [connected, data, failed])).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        level: 'info',
        scope: 'agent',
        ...connected,
        msg: expect.stringContaining('agent.connected'),
      }),
      expect.objectContaining({ level: 'warn', scope: 'server', ...failed }),
    ]);
  });

  it.each([
    ['error', 0],
    ['warn', 1],
    ['info', 2],
    ['trace', 3],
  ] as const)('at level %s writes %i of three events', async (level, lines) => {
    const text = await written({ format: 'text', level }, [connected, data, failed]);
    expect(text.split('\n').length - 1).toBe(lines);
  });

  it('logs a lost agent as a warning only after a failure', () => {
    expect(levelOf({ ...connected, kind: 'agent.disconnected' })).toBe('info');
    expect(levelOf({ ...connected, kind: 'agent.disconnected', error: 'ECONNRESET' })).toBe('warn');
  });

  it('writes one line for an event whose texts have several, without control characters', async () => {
    const text = await written({ format: 'text' }, [{ ...failed, error: 'a\nb\u001b[31mc', text: 'x\ry' }]);
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
    expect(text.match(/\n/g)).toHaveLength(1);
  });
});
