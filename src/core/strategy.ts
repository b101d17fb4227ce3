import { destinationHost } from './address.js';
import type { AgentIdentifiers } from './identifiers.js';
import type { Random } from './random.js';

/** How a server chooses the agent for a dial; names as in `--proxy-strategies`. */
export type StrategyName = 'default' | 'destHost' | 'defaultRoute';

/** The part of an agent stream that strategies use. */
export interface Candidate {
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly draining: boolean;
}

export interface Choice<B> {
  readonly backend: B;
  readonly because: string;
}

/** The agent streams that one strategy may choose from, oldest first under each key. */
class BackendStore<B extends Candidate> {
  private readonly streams = new Map<string, B[]>();

  readonly strategy: StrategyName;

  constructor(strategy: StrategyName) {
    this.strategy = strategy;
  }

  add(backend: B): void {
    for (const key of keysFor(this.strategy, backend)) {
      const list = this.streams.get(key);
      if (list === undefined) this.streams.set(key, [backend]);
      else if (!list.includes(backend)) list.push(backend);
    }
  }

  remove(backend: B): void {
    for (const key of keysFor(this.strategy, backend)) {
      const rest = (this.streams.get(key) ?? []).filter((other) => other !== backend);
      if (rest.length === 0) this.streams.delete(key);
      else this.streams.set(key, rest);
    }
  }

  /** Keys that have at least one stream. */
  get size(): number {
    return this.streams.size;
  }

  choose(address: string, random: Random): Choice<B> | undefined {
    return this.strategy === 'destHost'
      ? this.chooseByHost(destinationHost(address))
      : this.chooseAny(random);
  }

  private chooseByHost(host: string): Choice<B> | undefined {
    const list = this.streams.get(host) ?? [];
    const backend = list.find((candidate) => !candidate.draining) ?? list[0];
    if (backend === undefined) return undefined;
    return {
      backend,
      because: `${this.strategy}: agent ${backend.agentId} claims ${host}${drainNote(backend)}`,
    };
  }

  /** Starts with a random agent, then takes turns. Only an agent's oldest stream counts, as in Konnectivity. */
  private chooseAny(random: Random): Choice<B> | undefined {
    const oldest = [...this.streams.values()].flatMap((list) => list.slice(0, 1));
    if (oldest.length === 0) return undefined;
    const start = random.below(oldest.length);
    const turn = [...oldest.slice(start), ...oldest.slice(0, start)];
    const backend = turn.find((candidate) => !candidate.draining) ?? turn[0];
    if (backend === undefined) return undefined;
    const of = `one of ${oldest.length}`;
    return { backend, because: `${this.strategy}: agent ${backend.agentId}, ${of}${drainNote(backend)}` };
  }
}

/** All agent streams of a server. A list of strategies chooses among them, in its order. */
export class BackendTable<B extends Candidate> {
  private readonly stores: readonly BackendStore<B>[];
  private readonly members = new Set<B>();
  private readonly random: Random;

  constructor(strategies: readonly StrategyName[], random: Random) {
    this.random = random;
    this.stores = strategies.map((name) => new BackendStore<B>(name));
  }

  add(backend: B): void {
    this.members.add(backend);
    for (const store of this.stores) store.add(backend);
  }

  remove(backend: B): void {
    this.members.delete(backend);
    for (const store of this.stores) store.remove(backend);
  }

  /** The first strategy that finds an agent for the address decides. Undefined means `No agent available`. */
  choose(address: string): Choice<B> | undefined {
    for (const store of this.stores) {
      const choice = store.choose(address, this.random);
      if (choice !== undefined) return choice;
    }
    return undefined;
  }

  /** What each strategy finds for an address for which `choose` finds no agent. */
  whyNone(address: string): string {
    const host = destinationHost(address);
    return this.stores.map(({ strategy }) => `${strategy}: ${absence(strategy, host)}`).join('; ');
  }

  all(): readonly B[] {
    return [...this.members];
  }

  /** The number of ready agents, as each strategy counts them. */
  sizes(): readonly { readonly strategy: StrategyName; readonly size: number }[] {
    return this.stores.map((store) => ({ strategy: store.strategy, size: store.size }));
  }
}

function keysFor(strategy: StrategyName, { agentId, identifiers }: Candidate): readonly string[] {
  switch (strategy) {
    case 'default':
      return [agentId];
    case 'destHost':
      return [...identifiers.ipv4, ...identifiers.ipv6, ...identifiers.host];
    case 'defaultRoute':
      return identifiers.defaultRoute ? [agentId] : [];
  }
}

function absence(strategy: StrategyName, host: string): string {
  switch (strategy) {
    case 'default':
      return 'no agent is connected';
    case 'destHost':
      return `no agent claims ${host}`;
    case 'defaultRoute':
      return 'no agent has a default route';
  }
}

function drainNote(backend: Candidate): string {
  return backend.draining ? ' (draining, but the only one)' : '';
}
