import { expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import { type Balance, chooseTarget, Turns } from '../../../src/links/balance.js';

/** The targets of nine connections of three sources, all of which stay open. */
function choices(balance: Balance, targets: readonly string[]): (string | undefined)[] {
  const random = createRandom(1);
  const open: (string | undefined)[] = [];
  const turns = new Turns();
  for (let count = 0; count < 9; count++) {
    const source = `agent/node-${count % 3}`;
    const turn = turns.next(balance, source);
    const openFlows = (target: string): number => open.filter((each) => each === target).length;
    open.push(chooseTarget(balance, { targets, turn, source, openFlows, random }));
  }
  return open;
}

const three = ['a', 'b', 'c'];

it.each(['roundRobin', 'leastConnections'] as const)('%s spreads connections evenly', (balance) => {
  expect(choices(balance, three).map(String).toSorted()).toEqual('aaabbbccc'.split(''));
});

it('spread gives each source all targets in turn', () => {
  const found = choices('spread', three);
  for (const source of [0, 1, 2])
    expect(new Set([found[source], found[source + 3], found[source + 6]])).toEqual(new Set(three));
});

it('sticky gives each source one target', () => {
  const found = choices('sticky', three);
  expect(found.slice(3)).toEqual([...found.slice(0, 3), ...found.slice(0, 3)]);
});

it('pinned gives the first target to all', () => {
  expect(new Set(choices('pinned', three))).toEqual(new Set(['a']));
});

it('random follows the seed', () => {
  expect(choices('random', three)).toEqual(choices('random', three));
  expect(new Set(choices('random', three)).size).toBeGreaterThan(1);
});

it.each(['roundRobin', 'spread', 'leastConnections', 'random', 'sticky', 'pinned'] as const)(
  '%s has none without targets',
  (balance) => {
    expect(choices(balance, [])[0]).toBeUndefined();
  },
);
