import type { FaultSet } from '../links/fault-set.js';
import type { Freezer } from './freezer.js';
import type { FreezablePart, LabPart } from './part.js';

export interface HandleTools {
  readonly freezer: Freezer;
  readonly faults: FaultSet;
  /** Resolves when all agents that can connect have connected. */
  readonly meshed: () => Promise<void>;
}

/** A part as users hold it: its `start` also waits for the agents. */
export function partHandle(part: LabPart, { freezer, faults, meshed }: HandleTools): FreezablePart {
  const start = async (): Promise<void> => {
    await part.start();
    await meshed();
  };
  return {
    name: part.name,
    get running() {
      return part.running;
    },
    get frozen() {
      return freezer.isFrozen(part.name);
    },
    kill: () => part.kill(),
    stop: (options) => part.stop(options),
    drain: () => part.drain(),
    freeze: () => freezer.freeze(part.name),
    thaw: () => freezer.thaw(part.name),
    fault: (fault) => faults.set(fault, { part: part.name }),
    start,
    restart: async () => {
      await part.kill();
      await start();
    },
  };
}
