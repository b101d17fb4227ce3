import type { FaultyPart } from '../links/fault-set.js';
import type { LabPart } from './part.js';
import type { Servers } from './servers.js';

/** What faults do to a part of a lab from outside. */
export function faultyPart(part: LabPart, servers: Servers): FaultyPart {
  // Who waits for the part sees in the journal whether it came back.
  const again = (ended: Promise<void>): void => void ended.then(() => part.start()).catch(() => undefined);
  return {
    name: part.name,
    deeds: {
      kill: () => {
        const killed = part.kill();
        return () => again(killed);
      },
      stop: ({ grace }) => {
        part.stop({ graceMs: grace }).catch(() => undefined);
        // One that still waits for what is open waits no longer.
        return () => again(part.kill());
      },
      ...(part.name.startsWith('agent/') ? { drain: () => drained(part, again) } : {}),
      ...servers.deeds(part.name),
    },
  };
}

function drained(part: LabPart, again: (ended: Promise<void>) => void): (() => void) | undefined {
  if (!part.running) return undefined;
  part.drain();
  return () => again(part.kill());
}
