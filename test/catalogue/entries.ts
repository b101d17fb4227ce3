import { agentFaults } from './entries/agents.js';
import { capacityFaults } from './entries/capacity.js';
import { kubeletAnswers } from './entries/kubelet-answers.js';
import { kubeletFaults } from './entries/kubelets.js';
import { networkFaults } from './entries/network.js';
import { packetFaults } from './entries/packets.js';
import { partFaults } from './entries/parts.js';
import { serverFaults } from './entries/servers.js';
import { streamFaults } from './entries/streams.js';
import { trustFaults } from './entries/trust.js';
import type { Entry } from './entry.js';

/** All that have an entry, in any order. */
export const entries: readonly Entry[] = [
  ...networkFaults,
  ...serverFaults,
  ...agentFaults,
  ...kubeletFaults,
  ...streamFaults,
  ...capacityFaults,
  ...partFaults,
  ...packetFaults,
  ...trustFaults,
  ...kubeletAnswers,
];
