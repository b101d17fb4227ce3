import { kill } from './kill.js';

/** Every fault of a part, by the name that stands in `do`. */
export const partFaults = {
  kill,
} as const;

export type PartFaultName = keyof typeof partFaults;
