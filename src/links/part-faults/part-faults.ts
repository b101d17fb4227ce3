import { announce } from './announce.js';
import { answer } from './answer.js';
import { certificate } from './certificate.js';
import { claim } from './claim.js';
import { clock } from './clock.js';
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
import { slow } from './slow.js';
import { stop } from './stop.js';
import { tls } from './tls.js';
import { token } from './token.js';
import { trusts } from './trusts.js';

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
  slow,
  answer,
  certificate,
  trusts,
  tls,
  clock,
  token,
} as const;

export type PartFaultName = keyof typeof partFaults;
