import { describe, expect, it } from 'vitest';
import type { LabEvent } from '../../../src/core/events.js';
import { eventFields, parseFilter } from '../../../src/observe/event-filter.js';

const packet: LabEvent = {
  ...{ seq: 7, t: 12.5, kind: 'packet', node: 'server/server-1', peer: 'agent/node-1', dir: 'out' },
  ...{ packet: 'DIAL_REQ', bytes: 0, request: 'exec-1', text: '10.0.1.11:10250' },
};

describe('a filter', () => {
  it.each([
    '',
    'kind:packet node:server/* request:exec-1',
    'kind:dial.*,packet',
    'seq:7 bytes:0',
    '-packet:DATA',
    'dial_req',
    'text:"10.0.1.11:10250" -request:exec-2',
    '"10.0.1.11"',
    '-agent.connected',
  ])('lets an event through that has all of %s', (text) => {
    expect(parseFilter(text)(packet)).toBe(true);
  });

  it.each(['kind:packet node:agent/*', '-kind:packet', 'request:exec', 'code:NO_AGENT', 'web-1'])(
    'holds an event back that has not all of %s',
    (text) => {
      expect(parseFilter(text)(packet)).toBe(false);
    },
  );

  it.each([
    ['nod:server/*', /no field nod/],
    ['kind:packets', /kind packets/],
    ['text:"no agent', /quote/],
  ])('says what is wrong with %s', (text, wrong) => {
    expect(() => parseFilter(text)).toThrow(wrong);
  });

  it('knows the fields that events have', () => {
    expect(eventFields).toEqual(expect.arrayContaining(['kind', 'node', 'dialId', 'verdict']));
  });
});
