import type { FaultyPart } from '../links/fault-set.js';
import type { LabPart } from './part.js';

/** What faults do to a part of a lab. */
export function faultyPart(part: LabPart): FaultyPart {
  return {
    name: part.name,
    deeds: {
      kill: () => {
        const killed = part.kill();
        // Who waits for the part sees in the journal whether it came back.
        return () => void killed.then(() => part.start()).catch(() => undefined);
      },
    },
  };
}
