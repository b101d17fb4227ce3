import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { createRandom } from '../../../src/core/random.js';
import type { FaultAction, FaultDocument } from '../../../src/links/fault-document.js';
import { type LinkPlan, planFault } from '../../../src/links/fault-plan.js';
import { Lane } from '../../../src/links/lane.js';

function planLinkFault(document: FaultDocument): LinkPlan {
  const plan = planFault(document);
  if (plan.level !== 'link') throw new Error('it is no fault of links');
  return plan;
}

/** One direction with one fault. `log` has what arrived, and when. */
function lane(action: FaultAction, seed = 1) {
  const clock = new ManualClock();
  const log: string[] = [];
  const arrived = (text: string): void => void log.push(`${clock.now()} ${text}`);
  const way = new Lane({
    write: (bytes) => arrived(Buffer.from(bytes).toString('latin1')),
    end: () => arrived('end'),
    reset: () => arrived('reset'),
    full: (isFull) => arrived(isFull ? 'full' : 'not full'),
  });
  const { kind, settings } = planLinkFault({ do: action });
  const tools = { clock, random: createRandom(seed) };
  const remove = way.add((pass) => {
    if (kind.stage === undefined) throw new Error('it has no stage');
    return kind.stage(settings, tools, pass);
  });
  const send = (...items: string[]): void => {
    for (const item of items)
      way.take(item === 'end' || item === 'reset' ? item : Buffer.from(item, 'latin1'));
  };
  return { clock, log, send, remove };
}

describe('latency', () => {
  it('lets everything arrive later, an end too, and keeps the order', () => {
    const { clock, log, send } = lane({ latency: { delay: '50ms' } });
    send('a');
    clock.advance(20);
    send('b', 'end');
    clock.advance(100);
    expect(log).toEqual(['50 a', '70 b', '70 end']);
  });

  it.each(['uniform', 'normal', 'pareto'] as const)('keeps the order with jitter, %s', (distribution) => {
    const { clock, log, send } = lane({ latency: { delay: 50, jitter: 50, distribution } });
    const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
    for (const letter of letters) {
      send(letter);
      clock.advance(1);
    }
    clock.advance(1000);
    expect(log.map((line) => line.split(' ')[1])).toEqual(letters);
    const times = log.map((line) => Number(line.split(' ')[0]));
    expect(new Set(times).size).toBeGreaterThan(1);
    for (const time of times) expect(time).toBeLessThanOrEqual(25 + 100);
  });

  it('passes on what is under way when it is removed', () => {
    const { clock, log, send, remove } = lane({ latency: { delay: '1h' } });
    send('a', 'b');
    clock.advance(5);
    remove();
    send('c');
    expect(log).toEqual(['5 a', '5 b', '5 c']);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('rate', () => {
  it('passes so many bytes a second', () => {
    const { clock, log, send } = lane({ rate: { bytesPerSecond: 100 } });
    send('x'.repeat(250), 'end');
    clock.advance(1000);
    const bytes = (): number => log.reduce((sum, line) => sum + (line.split(' ')[1]?.length ?? 0), 0);
    expect(bytes()).toBeGreaterThanOrEqual(100);
    expect(bytes()).toBeLessThanOrEqual(110);
    clock.advance(2000);
    expect(log.at(-1)).toBe('2500 end');
    expect(bytes()).toBe(250 + 'end'.length);
  });

  it('makes its sender wait when much is on the way', () => {
    const { log, send, remove } = lane({ rate: { bytesPerSecond: 1000 } });
    for (let mebibyte = 0; mebibyte < 5; mebibyte++) send('x'.repeat(1024 * 1024));
    expect(log.some((line) => line.endsWith(' full'))).toBe(true);
    remove();
    expect(log.some((line) => line.endsWith('not full'))).toBe(true);
  });
});

it('slice writes small pieces', () => {
  const { log, send } = lane({ slice: { size: 2 } });
  send('abcde', 'end');
  expect(log).toEqual(['0 ab', '0 cd', '0 e', '0 end']);
});

describe('loss', () => {
  it('stalls and loses no byte', () => {
    const { clock, log, send } = lane({ loss: { share: 0.5, resendAfter: '200ms' } });
    const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
    send(...letters, 'end');
    clock.advance(1_000_000);
    expect(log.map((line) => line.split(' ')[1])).toEqual([...letters, 'end']);
    const times = [...new Set(log.map((line) => Number(line.split(' ')[0])))];
    expect(times.length).toBeGreaterThan(2);
    for (const time of times) expect(time % 200).toBe(0);
  });

  it('gives the same stalls for the same seed', () => {
    const run = (seed: number): readonly string[] => {
      const { clock, log, send } = lane({ loss: { share: 0.5 } }, seed);
      send(...'abcdefghijklmnop'.split(''));
      clock.advance(1_000_000);
      return log;
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });
});

it.each(['freeze', 'drop'] as const)('%s holds bytes and ends until it is removed', (action) => {
  const { clock, log, send, remove } = lane(action);
  send('a', 'reset');
  clock.advance(3_600_000);
  expect(log).toEqual([]);
  remove();
  expect(log).toEqual(['3600000 a', '3600000 reset']);
});

it('slowClose delays ends, and no bytes', () => {
  const { clock, log, send } = lane({ slowClose: { delay: '3s' } });
  send('a', 'end');
  clock.advance(5000);
  expect(log).toEqual(['0 a', '3000 end']);
});

it('corrupt changes one byte of a direction, once', () => {
  const { log, send } = lane({ corrupt: { mask: 1 } });
  send('abc', 'abc');
  expect(log).toEqual(['0 `bc', '0 abc']);
});

it('sizeLimit stops at the first large piece', () => {
  const { log, send, remove } = lane({ sizeLimit: { largest: 3 } });
  send('abc', 'abcd', 'e');
  expect(log).toEqual(['0 abc']);
  remove();
  expect(log).toEqual(['0 abc', '0 abcd', '0 e']);
});

describe('a chain', () => {
  it('goes through its stages in order, and closes the gap when one is removed', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const way = new Lane({
      write: (bytes) => void log.push(`${clock.now()} ${Buffer.from(bytes).toString()}`),
      end: () => undefined,
      reset: () => undefined,
      full: () => undefined,
    });
    const add = (action: FaultAction): (() => void) => {
      const { kind, settings } = planLinkFault({ do: action });
      return way.add((pass) => kind.stage?.(settings, { clock, random: createRandom(1) }, pass) ?? never());
    };
    const never = (): never => {
      throw new Error('it has no stage');
    };
    const first = add({ slice: { size: 1 } });
    add({ latency: { delay: 10 } });
    way.take(Buffer.from('ab'));
    clock.advance(10);
    first();
    first();
    way.take(Buffer.from('cd'));
    clock.advance(10);
    expect(log).toEqual(['10 a', '10 b', '20 cd']);
  });
});

describe('a fault document', () => {
  it.each([
    [{ do: 'explode' }, /^fault: do: "explode" is no fault; there are latency, rate,/],
    [{}, /^fault: do: nothing is no fault/],
    [{ do: null }, /^fault: do: nothing is no fault/],
    [{ do: ['drop'] }, /^fault: do: a list is no fault/],
    [
      { do: { latency: { delay: 'soon' } } },
      /^fault: do\.latency\.delay: is no duration, such as 250ms or 60s/,
    ],
    [{ do: { latency: {} } }, /^fault: do\.latency\.delay: /],
    [{ do: { reset: {}, fin: {} } }, /^fault: do has more than one fault/],
    [{ do: 'reset', when: { idle: 1 } }, /^fault: when: must be one of now, \{ idleFor \}/],
    [{ do: 'reset', probability: 2 }, /^fault: probability: /],
    [{ do: 'reset', colour: 'red' }, /^fault: the document: .*colour/],
    [{ do: { drop: { hard: true } } }, /^fault: do\.drop: .*hard/],
    [{ do: 'reset', limit: 0 }, /^fault: limit: /],
    [{ do: 'reset', when: { every: '0s' } }, /^fault: when\.every: must be above 0/],
    [{ do: 'latency' }, /^fault: do\.latency\.delay: is no duration/],
    [{ do: 10n }, /^fault: do: a bigint is no fault/],
    [{ do: 'refuse', when: { idleFor: '1s' } }, /^fault: when: refuse is for new connections/],
    [{ do: 'drop', when: { idleFor: '1s' }, for: '1s' }, /^fault: for: drop at a connection's own time/],
    [
      { do: 'reset', when: { event: 'agent.conected' } },
      /^fault: when\.event: no event is called "agent\.conected"; there are agent\.connecting, agent\.connected,/,
    ],
    [{ do: 'reset', when: { event: 'now' } }, /^fault: when\.event: .* there are packet, lab\.ready,/],
    [
      { do: 'reset', on: { from: 'a/b', between: ['c/d'], and: ['e/f'] } },
      /^fault: on: takes from and to, or/,
    ],
    [{ do: 'reset', on: { between: ['c/d'] } }, /^fault: on: takes from and to, or part, or between and and/],
    [
      { do: { announce: {} }, on: { part: 'server/*' } },
      /^fault: do\.announce: takes serverId or serverCount/,
    ],
    [{ do: { claim: {} }, on: { part: 'agent/*' } }, /^fault: do\.claim: takes agentId or identifiers/],
    [
      { do: { claim: { agentId: 'nöde' } }, on: { part: 'agent/*' } },
      /^fault: do\.claim\.agentId: must be printable/,
    ],
    ['constructor', /^fault: no preset is called constructor/],
    ['idle-61s', /^fault: no preset is called idle-61s; there are idle-60s-drop,/],
  ])('%s is refused, and the text names the field', (document, text) => {
    expect(() => planFault(document as never)).toThrow(text);
    expect(() => planFault(document as never)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('has defaults, and reads durations', () => {
    expect(planFault('idle-60s-drop')).toMatchObject({
      name: 'drop',
      when: { idleFor: 60_000 },
      direction: 'both',
      probability: 1,
    });
    expect(planFault({ do: 'freeze', for: '1m30s' })).toMatchObject({ for: 90_000, when: 'now' });
  });
});
