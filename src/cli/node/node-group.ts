import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { Turns } from '../../core/turns.js';
import type { Readiness } from '../../observe/health.js';
import { type HollowNode, type NodeCommons, type NodeSeed, startHollowNode } from './hollow-node.js';

/** How many nodes start at a time. */
const maxStarting = 64;
/** How often the state is looked at, ms. */
const lookMs = 1000;

/** All nodes of a process. */
export class NodeGroup {
  private readonly nodes: HollowNode[] = [];
  private readonly ends: (() => Promise<void>)[][] = [];
  private readonly count: number;
  private readonly seeds: readonly NodeSeed[];
  private readonly registers: boolean;
  private failure = '';
  private broken: TunnelError | undefined;

  /** `registers`: the nodes join an API. */
  constructor(seeds: readonly NodeSeed[], registers: boolean) {
    this.seeds = seeds;
    this.count = seeds.length;
    this.registers = registers;
  }

  /** Rejects with the first error of a node; no more start after it, or when the role ends. */
  async start(commons: NodeCommons): Promise<void> {
    const starting = new Turns(maxStarting);
    const startOne = (seed: NodeSeed): Promise<void> => starting.during(() => this.startOne(seed, commons));
    const failed = (caught: unknown): void => {
      this.broken ??= TunnelError.from(caught);
    };
    // Waits for those that are still starting: they could not be ended.
    await Promise.all(this.seeds.map((seed) => startOne(seed).catch(failed)));
    if (this.broken !== undefined) throw this.broken;
  }

  /** Ends the parts of each node in the reverse order of their start, all nodes at the same time. */
  async close(): Promise<void> {
    await Promise.all(
      this.ends.map(async (ends) => {
        for (const end of ends) await end();
      }),
    );
  }

  /** Keeps the text of the last failure. */
  failed(text: string): void {
    this.failure = text;
  }

  /** `998 of 1000 agents connected, 1000 of 1000 nodes registered; last failure: …`. */
  state(): string {
    const missing = this.missing();
    const of = (number: number, what: string): string => `${this.count - number} of ${this.count} ${what}`;
    const registered = this.registers ? `, ${of(missing.nodes, 'nodes registered')}` : '';
    const counts = `${of(missing.agents, 'agents connected')}${registered}`;
    const isWhole = missing.agents === 0 && missing.nodes === 0;
    return isWhole || this.failure === '' ? counts : `${counts}; last failure: ${this.failure}`;
  }

  readiness(): Readiness {
    const { agents, nodes } = this.missing();
    const check = (name: string, number: number, what: string) => ({
      name,
      failure: number === 0 ? undefined : `${number} of ${this.count} ${what}`,
    });
    const ok = agents === 0 && nodes === 0;
    const checks = [
      { name: 'ping' },
      check('agents-connected', agents, 'agents have no server'),
      ...(this.registers ? [check('nodes-registered', nodes, 'nodes are not registered')] : []),
    ];
    return { ok, text: this.state(), checks };
  }

  /** Tells the state at each change, at most once a second. Call the returned function to end that. */
  watch(clock: Clock, tell: (state: string) => void): () => void {
    let told = '';
    let timer = clock.after(0, () => look(), true);
    const look = (): void => {
      const state = this.state();
      if (state !== told) tell(state);
      told = state;
      timer = clock.after(lookMs, look, true);
    };
    return () => timer.cancel();
  }

  private async startOne(seed: NodeSeed, commons: NodeCommons): Promise<void> {
    if (commons.context.signal.aborted || this.broken !== undefined) return;
    const ends: (() => Promise<void>)[] = [];
    this.ends.push(ends);
    this.nodes.push(await startHollowNode(seed, commons, (end) => void ends.unshift(end)));
  }

  private missing(): { readonly agents: number; readonly nodes: number } {
    const connected = this.nodes.filter(({ agent }) => agent.snapshot().servers.length > 0).length;
    const registered = this.nodes.filter(({ isRegistered }) => isRegistered).length;
    return { agents: this.count - connected, nodes: this.registers ? this.count - registered : 0 };
  }
}
