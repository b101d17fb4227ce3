import type { Random } from '../core/random.js';

/**
 * How a balancer chooses the target of a new connection: `roundRobin` in turn; `spread` in turn for each client by itself,
 * so that each finds all targets soon; `leastConnections`; `random`, from the seed; `sticky` by who connects; `pinned`
 * always the first.
 */
export type Balance = (typeof balances)[number];
export const balances = ['roundRobin', 'spread', 'leastConnections', 'random', 'sticky', 'pinned'] as const;

export interface Choice<T> {
  readonly targets: readonly T[];
  /** How many connections came before; for `spread` those of this client, from a number of its own on. */
  readonly turn: number;
  /** Who connects, for `sticky`. */
  readonly source: string;
  readonly openFlows: (target: T) => number;
  readonly random: Random;
}

/** The target of a new connection. Undefined when there is none. */
export function chooseTarget<T>(balance: Balance, choice: Choice<T>): T | undefined {
  const { targets, turn, source, openFlows, random } = choice;
  switch (balance) {
    case 'roundRobin':
    case 'spread':
      return targets[turn % targets.length];
    case 'leastConnections':
      return targets.toSorted((one, other) => openFlows(one) - openFlows(other))[0];
    case 'random':
      return targets[random.below(targets.length)];
    case 'sticky':
      return targets[hash(source) % targets.length];
    case 'pinned':
      return targets[0];
  }
}

/** Counts the connections of a balancer, as its way of choosing needs it. */
export class Turns {
  private readonly counts = new Map<string, number>();

  next(balance: Balance, source: string): number {
    const key = balance === 'spread' ? source : '';
    const turn = this.counts.get(key) ?? (key === '' ? 0 : hash(source) % 1000);
    this.counts.set(key, turn + 1);
    return turn;
  }
}

/** FNV-1a: spreads names that differ in one letter. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
