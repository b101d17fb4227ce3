import type { Entry } from '../entry.js';
import { shell } from '../provoke.js';

const agentToServer = { from: 'agent/*', to: 'server/*' } as const;

export const agentFaults: readonly Entry[] = [
  {
    id: 'A2',
    title: 'An agent is killed',
    inject: { on: { part: 'agent/node-1' }, do: 'kill' },
    says: 'No agent available',
    journal: { kind: 'backend.disconnected', peer: 'agent/node-1' },
  },
  {
    id: 'A3',
    title: 'An agent, or its node, hangs',
    lab: { keepalive: { agentsMs: 3_600_000, serversMs: 3_600_000 }, timeScale: 40 },
    inject: { on: { part: 'agent/node-1' }, do: 'freeze' },
    says: 'dial timeout, backstop',
    journal: { kind: 'fault.hit', action: 'freeze', link: 'agent/node-1 → server/server-1' },
  },
  {
    id: 'A7',
    title: 'All agents come back at once, again and again',
    lab: { nodes: 8 },
    inject: { on: agentToServer, when: { every: '2s' }, do: 'reset' },
    provoke: shell('sleep 3; hostname'),
    asks: 'an exec of 3 s',
    says: 'tunnel closed',
    journal: { kind: 'backend.connected', peer: 'agent/node-8' },
  },
  {
    id: 'A8',
    title: 'An agent cannot reach the node',
    lab: { nodes: 2 },
    inject: [
      { on: { from: 'agent/node-2', to: 'kubelet/node-1' }, do: 'synDrop' },
      { on: { part: 'agent/node-1' }, do: 'kill' },
    ],
    says: 'dial tcp 10.0.1.11:10250: i/o timeout',
    journal: { kind: 'endpoint.failed', node: 'agent/node-2' },
  },
];
