import type { AgentLevels } from '../../src/observe/agent-own-metrics.js';
import type { ServerLevels } from '../../src/observe/server-own-metrics.js';

/** A proxy-server without agents. */
export const noServer: ServerLevels = {
  agents: [],
  announcedServers: 1,
  stalledFrontends: 0,
  payload: { toAgentBytes: 0, fromAgentBytes: 0 },
};

/** An agent without servers. */
export const noAgent: AgentLevels = {
  servers: [],
  openPayload: { toEndpointBytes: 0, fromEndpointBytes: 0 },
  pendingDials: 0,
  draining: false,
};
