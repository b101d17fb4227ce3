import type { BehaviourMode } from '../../src/core/faithful.js';
import type { Random } from '../../src/core/random.js';

const calls = [
  'dial',
  'dialByConnect',
  'clientWrites',
  'endpointWrites',
  'clientCloses',
  'endpointEnds',
] as const;
const readers = ['cancelDial', 'clientRests', 'endpointRests', 'readersGoOn'] as const;
const links = [
  ...(['slowLink', 'freezeLink', 'freezeOneWay', 'forgetFlows', 'resetFlows', 'healLink'] as const),
  ...(['clientVanishes', 'clientGoesSilent'] as const),
];
const parts = ['killServer', 'loseServer', 'killAgent', 'loseAgent', 'drainAgent', 'startParts'] as const;
const packets = ['losePacket', 'repeatPacket', 'delayPacket'] as const;

/** What a step of a simulation may do. `docs/simulation.md` describes each. */
export type SimulationAction =
  | (typeof calls)[number]
  | (typeof readers)[number]
  | (typeof links)[number]
  | (typeof parts)[number]
  | (typeof packets)[number];

/** One step of a schedule. */
export interface SimulationStep {
  /** How long after the step before, ms of virtual time. */
  readonly afterMs: number;
  /** What happens. */
  readonly do: SimulationAction;
  /** Chooses among all that it could happen to, and how much: any whole number from 0. */
  readonly pick: number;
}

/** Short pauses, in which things cross on the way, and long ones, in which timers fire. */
const pausesMs = [0, 0, 0, 1, 1, 3, 10, 10, 100, 100, 1000, 3000, 12_000, 35_000];

/** Half of what happens is traffic: faults need something to hit. */
function weighted(faults: readonly SimulationAction[]): readonly SimulationAction[] {
  const traffic = [...calls, ...calls, 'dial', 'clientWrites', 'endpointWrites'] as const;
  return [...traffic, ...traffic, ...readers, ...faults];
}

/** Some schedules have no fault, so that the rules are strict; some have those of packets alone. */
function actionsOf(as: BehaviourMode, random: Random): readonly SimulationAction[] {
  const kind = random.below(6);
  if (kind === 0) return calls;
  if (kind === 1 || kind === 5) return weighted(as === 'ideal' ? [...packets, ...packets, ...packets] : []);
  if (kind === 2) return weighted(links);
  return weighted(as === 'ideal' ? [...links, ...parts, ...packets] : [...links, ...parts]);
}

const shortest = 20;
const longest = 60;

/** A random schedule. Packets are lost in `ideal` mode only: the original does not find out. */
export function randomSchedule(as: BehaviourMode, random: Random): readonly SimulationStep[] {
  const actions = actionsOf(as, random);
  const steps: SimulationStep[] = [];
  for (let left = shortest + random.below(longest - shortest); left > 0; left -= 1) {
    const action = actions[random.below(actions.length)] ?? 'dial';
    const afterMs = pausesMs[random.below(pausesMs.length)] ?? 0;
    steps.push({ afterMs, do: action, pick: random.below(1000) });
  }
  return steps;
}
