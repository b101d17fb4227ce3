import { describe, expect, it } from 'vitest';
import { noIdentifiers } from '../../../src/core/identifiers.js';
import { createRandom } from '../../../src/core/random.js';
import { BackendTable, type Candidate, type StrategyName } from '../../../src/core/strategy.js';

interface Stream extends Candidate {
  readonly name: string;
  draining: boolean;
}

function stream(agentId: string, more: Partial<Stream['identifiers']> & { name?: string } = {}): Stream {
  const { name = agentId, ...identifiers } = more;
  return { name, agentId, identifiers: { ...noIdentifiers, ...identifiers }, draining: false };
}

function table(strategies: StrategyName[], ...streams: Stream[]): BackendTable<Stream> {
  const made = new BackendTable<Stream>(strategies, createRandom(7));
  for (const each of streams) made.add(each);
  return made;
}

const draws = 200;
const drawn = (from: BackendTable<Stream>, address = 'any:1'): Set<string | undefined> =>
  new Set(Array.from({ length: draws }, () => from.choose(address)?.backend.name));

describe('the default strategy', () => {
  it('has no choice without agents', () => {
    expect(table(['default']).choose('any:1')).toBeUndefined();
  });

  it('chooses among all agents', () => {
    expect(drawn(table(['default'], stream('a'), stream('b'), stream('c')))).toEqual(
      new Set(['a', 'b', 'c']),
    );
  });

  it('uses the oldest stream of an agent ID only, and the next when that is gone', () => {
    const old = stream('a', { name: 'old' });
    const twins = table(['default'], old, stream('a', { name: 'young' }));
    expect(drawn(twins)).toEqual(new Set(['old']));
    twins.remove(old);
    expect(drawn(twins)).toEqual(new Set(['young']));
    expect(twins.sizes()).toEqual([{ strategy: 'default', size: 1 }]);
  });

  it('R21: avoids draining agents, and takes one when all drain', () => {
    const [a, b] = [stream('a'), stream('b')];
    const both = table(['default'], a, b);
    a.draining = true;
    expect(drawn(both)).toEqual(new Set(['b']));
    b.draining = true;
    expect(drawn(both)).toEqual(new Set(['a', 'b']));
    expect(both.choose('any:1')?.because).toContain('draining');
  });

  it('chooses the same for the same seed', () => {
    const run = (): unknown[] => {
      const made = table(['default'], stream('a'), stream('b'), stream('c'));
      return Array.from({ length: 20 }, () => made.choose('x:1')?.backend.name);
    };
    expect(run()).toEqual(run());
  });
});

describe('the destHost strategy', () => {
  const a = stream('a', { ipv4: ['10.0.0.1'], host: ['node-a'] });
  const b = stream('b', { ipv6: ['fd00::1'], cidr: ['10.0.0.0/8'] });

  it.each([
    ['10.0.0.1:10250', 'a'],
    ['node-a:443', 'a'],
    ['[fd00::1]:10250', 'b'],
    ['10.0.0.2:10250', undefined],
    ['NODE-A:443', undefined],
  ])('finds for %s agent %s', (address, name) => {
    expect(table(['destHost'], a, b).choose(address)?.backend.name).toBe(name);
  });

  it('chooses the oldest agent with the identifier, R21: unless it drains', () => {
    const [first, second] = [stream('1', { host: ['h'] }), stream('2', { host: ['h'] })];
    const both = table(['destHost'], first, second);
    expect(drawn(both, 'h:1')).toEqual(new Set(['1']));
    first.draining = true;
    expect(drawn(both, 'h:1')).toEqual(new Set(['2']));
    second.draining = true;
    expect(drawn(both, 'h:1')).toEqual(new Set(['1']));
  });

  it('counts an identifier once though it is claimed twice', () => {
    const twice = stream('a', { host: ['h', 'h'] });
    const made = table(['destHost'], twice);
    expect(made.sizes()).toEqual([{ strategy: 'destHost', size: 1 }]);
    made.remove(twice);
    expect(made.sizes()).toEqual([{ strategy: 'destHost', size: 0 }]);
  });
});

describe('a list of strategies', () => {
  it('are asked in order', () => {
    const claims = stream('claims', { host: ['h'] });
    const routes = stream('routes', { defaultRoute: true });
    const made = table(['destHost', 'defaultRoute'], claims, routes);
    expect(made.choose('h:1')?.backend.name).toBe('claims');
    expect(drawn(made, 'elsewhere:1')).toEqual(new Set(['routes']));
    made.remove(routes);
    expect(made.choose('elsewhere:1')).toBeUndefined();
  });

  it('gives the reason of a choice', () => {
    const made = table(['destHost', 'default'], stream('a', { host: ['h'] }), stream('b'));
    expect(made.choose('h:1')?.because).toBe('destHost: agent a claims h');
    expect(made.choose('x:1')?.because).toMatch(/^default: agent [ab], one of 2$/);
  });

  it('says what each of them found when it finds no agent', () => {
    const made = table(['destHost', 'defaultRoute'], stream('a', { host: ['h'] }));
    expect(made.whyNone('x:1')).toBe(
      'destHost: no agent claims x; defaultRoute: no agent has a default route',
    );
  });

  it('lists its agents until they leave', () => {
    const [a, b] = [stream('a'), stream('b')];
    const made = table(['destHost'], a, b);
    expect(made.all()).toEqual([a, b]);
    made.remove(a);
    made.remove(a);
    expect(made.all()).toEqual([b]);
  });
});
