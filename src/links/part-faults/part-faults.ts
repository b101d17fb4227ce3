import { goaway } from './goaway.js';
import { kill } from './kill.js';
import { losePings } from './lose-pings.js';
import { maxStreams } from './max-streams.js';

/** Every fault of a part, by the name that stands in `do`. */
export const partFaults = {
  kill,
  goaway,
  losePings,
  maxStreams,
} as const;

export type PartFaultName = keyof typeof partFaults;
