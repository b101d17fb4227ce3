import type { Family } from './cause.js';
import { cuts } from './cuts.js';
import { dialLegs } from './dial-legs.js';
import { endpointDials } from './endpoint-dials.js';
import { kubelet } from './kubelet.js';
import { noAgent } from './no-agent.js';
import { onTheWay } from './on-the-way.js';
import { refusals, webhooks } from './refusals.js';
import { serverReach } from './server-reach.js';

/** All causes, from what is nearest to the user to what is behind it. */
export const families: readonly Family[] = [
  webhooks,
  refusals,
  kubelet,
  noAgent,
  serverReach,
  endpointDials,
  dialLegs,
  cuts,
  onTheWay,
];
