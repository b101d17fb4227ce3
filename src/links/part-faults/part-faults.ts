import { announce } from './announce.js';
import { claim } from './claim.js';
import { descriptors } from './descriptors.js';
import { drain } from './drain.js';
import { frontendSocket } from './frontend-socket.js';
import { goaway } from './goaway.js';
import { kill } from './kill.js';
import { losePings } from './lose-pings.js';
import { maxStreams } from './max-streams.js';
import { mute } from './mute.js';
import { removeTarget } from './remove-target.js';
import { resolver } from './resolver.js';
import { stop } from './stop.js';

/** Every fault of a part, by the name that stands in `do`. */
export const partFaults = {
  kill,
  stop,
  drain,
  resolver,
  announce,
  claim,
  descriptors,
  mute,
  frontendSocket,
  removeTarget,
  goaway,
  losePings,
  maxStreams,
} as const;

export type PartFaultName = keyof typeof partFaults;
