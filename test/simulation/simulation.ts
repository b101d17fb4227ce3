import type { LabEvent } from '../../src/core/events.js';
import type { BehaviourMode, FaithfulName } from '../../src/core/faithful.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { BrokenInvariant, type Invariant } from '../support/invariants.js';
import { actions } from './actions.js';
import { checkBeliefs, checkClosed, checkCounts, checkStopped, checkWorks } from './checks.js';
import { randomSchedule, type SimulationStep } from './schedule.js';
import { World } from './world.js';

/** All that a simulation depends on. The same plan gives the same journal, byte for byte. */
export interface SimulationPlan {
  /** The source of all random choices. */
  readonly seed: number;
  /** Whether the parts behave as the originals do, or better. */
  readonly as: BehaviourMode;
  /** Switches of `docs/faithful.md` that are on beside those of the mode. */
  readonly faithful: readonly FaithfulName[];
  /** The number of proxy-servers. */
  readonly servers: number;
  /** The number of agents. Each connects to all servers. */
  readonly agents: number;
  /** How many agents have the agent ID of the first one, too. */
  readonly twins: number;
  /** What happens, in this order. Everything is healed, closed and stopped behind the last step. */
  readonly steps: readonly SimulationStep[];
}

/** A plan, or a part of one. What is left out is chosen by the seed. */
export type SimulationOptions = Partial<SimulationPlan> & Pick<SimulationPlan, 'seed'>;

/** An invariant that did not hold. */
export interface SimulationFailure {
  /** Which one. */
  readonly invariant: Invariant;
  /** What was seen. */
  readonly text: string;
}

/** A simulation that has run. */
export interface SimulationRun {
  /** What was run. */
  readonly plan: SimulationPlan;
  /** The invariant that did not hold first. Absent when all did. */
  readonly failure?: SimulationFailure;
  /** The events of all parts. */
  readonly journal: readonly LabEvent[];
  /** How much virtual time passed, ms. */
  readonly virtualMs: number;
}

/** Enough for all agents to find all servers, ms. */
const startMs = 60_000;
/** Enough for pings without an answer, two looks for stale connections and clients' own time-outs, ms. */
const healMs = 180_000;
/** Enough for all that waits for readers, ms. */
const drainMs = 5000;
/** Enough for connections to close, and for streams to end that were left open, ms. */
const closeMs = 90_000;

/**
 * Runs proxy-servers, agents and clients on a network in memory, in virtual time, and checks the invariants of
 * `docs/simulation.md`. It runs to its end at once, without sockets and timers. It throws CONFIG_INVALID for an unknown mode or
 * switch, and nothing else: what goes wrong is the `failure` of the result.
 */
export function runSimulation(options: SimulationOptions): SimulationRun {
  const plan = planOf(options);
  const world = new World(plan);
  const failure = play(world, plan);
  const journal = world.journal.events();
  return { plan, ...(failure === undefined ? {} : { failure }), journal, virtualMs: world.clock.now() };
}

function play(world: World, { steps }: SimulationPlan): SimulationFailure | undefined {
  try {
    world.start();
    world.clock.advance(startMs);
    for (const step of steps) take(world, step);
    world.heal();
    world.clock.advance(healMs);
    checkBeliefs(world);
    checkWorks(world);
    world.readersGoOn();
    world.clock.advance(drainMs);
    for (const call of world.calls) call.close();
    world.clock.advance(closeMs);
    checkClosed(world);
    for (const part of [...world.agents, ...world.servers]) part.stop(false);
    world.clock.advance(closeMs);
    checkStopped(world);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

function take(world: World, { afterMs, do: action, pick }: SimulationStep): void {
  world.clock.advance(afterMs);
  actions[action](world, pick);
  checkCounts(world);
}

function failureOf(error: unknown): SimulationFailure {
  if (error instanceof BrokenInvariant) return { invariant: error.invariant, text: error.message };
  return {
    invariant: 'never-throws',
    text: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** The known faults of the original under which the invariants hold all the same. */
const harmless = [
  ...([
    'head-of-line-blocking',
    'dial-cancel-ignored',
    'dial-cancel-race-leak',
    'any-connection-id',
  ] as const),
  ...([
    'stopped-stream-never-ended',
    'drain-ignored',
    'empty-data-forwarded',
    'drain-waits-for-packet',
  ] as const),
  ...(['connect-ids-per-server', 'queued-data-lost-at-close', 'sync-waits-interval'] as const),
  'lost-close-unnoticed',
] satisfies readonly FaithfulName[];

/** The plan of a seed; what `options` has is as it says. */
function planOf(options: SimulationOptions): SimulationPlan {
  const random = createRandom(options.seed);
  const as = options.as ?? (random.below(2) === 0 ? 'real' : 'ideal');
  const agents = 1 + random.below(3);
  return {
    as,
    faithful: as === 'real' ? someOf(harmless, random) : [],
    servers: 1 + random.below(2),
    agents,
    twins: random.below(3) === 0 ? Math.min(1, agents - 1) : 0,
    steps: options.steps ?? randomSchedule(as, random),
    ...options,
  };
}

function someOf<T>(all: readonly T[], random: Random): readonly T[] {
  return random.below(2) === 0 ? [] : all.filter(() => random.below(4) === 0);
}
