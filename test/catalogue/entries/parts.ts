import type { FaultDocument, Lab } from '../../../src/index.js';
import { waitMs } from '../../support/waits.js';
import type { Entry, Injection, Provoke } from '../entry.js';
import { logs, shell } from '../provoke.js';

const agentToServer = { from: 'agent/*', to: 'server/*' } as const;
/** Only a new connection finds out. */
const cut: FaultDocument = { on: agentToServer, do: 'reset' };
/** So that an old connection outlives a dial. */
const slowPings = { agentsMs: 60_000, serversMs: 60_000 } as const;

/** A fault that is found out by new connections, and healed by newer ones. */
const atConnect = (text: string, document: FaultDocument, again = cut): Injection => ({
  text: `${text}, found out at the next connect`,
  run: async (lab) => {
    const since = lab.mark();
    lab.fault(document);
    lab.fault(again);
    // One that is still connecting would keep what it has claimed.
    for (const { name } of lab.nodes)
      await lab.waitFor({ kind: 'agent.connected', node: `agent/${name}` }, { since, withinMs: 10 * waitMs });
    return () => {
      lab.heal();
      lab.fault(cut).remove();
    };
  },
});

/** Dials a kubelet by the name of its node. */
const byName: Provoke = async (lab) => {
  (await lab.dial('node-1', 10_250)).destroy();
  return 'connected';
};

/** How long the agent takes to connect again. */
const reconnect: Provoke = async (lab) => {
  const since = lab.mark();
  lab.fault(cut).remove();
  const begun = await lab.waitFor({ kind: 'agent.connecting' }, { since });
  const there = await lab.waitFor({ kind: 'agent.connected' }, { since });
  return there.t - begun.t < 300 ? 'at once' : 'after more than 0.3 s';
};

/** A controller watches for a while. */
const watched: Provoke = async (lab) => {
  const since = lab.mark();
  const watch = lab.watch('pods');
  await watch.synced;
  try {
    const { error } = await lab.waitFor({ kind: 'watch.broken' }, { since, withinMs: 4000 });
    return `the watch broke: ${error}`;
  } catch {
    return 'the watch goes on';
  } finally {
    await watch.close();
  }
};

/** Moves the address of the API servers again and again. */
async function keepMoving(lab: Lab): Promise<() => void> {
  const timer = setInterval(() => {
    // The last one may meet the end of the lab.
    lab.apiservers.move({ connections: 'reset' }).catch(() => undefined);
  }, 100);
  return () => clearInterval(timer);
}

const resolver = (answer: 'NXDOMAIN' | 'stale' | 'deadFirst' | 'ipv6First'): FaultDocument => ({
  on: { part: 'agent/*' },
  do: { resolver: { answer } },
});

const names: readonly Entry[] = [
  {
    id: 'D1',
    title: 'The name of the servers cannot be resolved',
    inject: [resolver('NXDOMAIN'), cut],
    says: 'No agent available',
    journal: {
      kind: 'agent.retry',
      step: 'lookup',
      error: 'dial tcp: lookup proxy.konnsim on 10.96.0.10:53: no such host',
    },
  },
  {
    id: 'D2',
    title: 'The first address of the answer is dead',
    inject: [resolver('deadFirst'), { on: agentToServer, when: { every: '8s' }, do: 'reset' }],
    says: 'No agent available',
    journal: { kind: 'fault.hit', action: 'resolver', part: 'agent/node-1' },
  },
  {
    id: 'D3',
    title: 'IPv6 before IPv4',
    lab: { timeScale: 1 },
    inject: resolver('ipv6First'),
    provoke: reconnect,
    asks: 'an agent connects again',
    says: 'after more than 0.3 s',
    works: 'at once',
    journal: { kind: 'fault.hit', action: 'resolver', part: 'agent/node-1' },
  },
  {
    id: 'D4',
    title: 'The name of an endpoint fails at the agent',
    inject: { on: { part: 'agent/*' }, do: { resolver: { answer: 'NXDOMAIN', name: 'node-*' } } },
    provoke: byName,
    asks: 'a dial to `node-1:10250`',
    says: 'dial tcp: lookup node-1 on 10.96.0.10:53: no such host',
    works: 'connected',
    journal: { kind: 'endpoint.failed', reason: 'not_found' },
  },
  {
    id: 'D5',
    title: 'A stale answer after the servers moved',
    inject: [resolver('stale'), cut],
    says: 'No agent available',
    journal: { kind: 'agent.retry', step: 'connect' },
  },
];

const identities: readonly Entry[] = [
  {
    id: 'S3',
    title: 'The servers announce too small a number',
    lab: { servers: 2 },
    inject: atConnect(
      '`{ on: { part: server/* }, do: { announce: { serverCount: 1 } } }`',
      { on: { part: 'server/*' }, do: { announce: { serverCount: 1 } } },
      { on: agentToServer, when: { every: '10s' }, do: 'reset' },
    ),
    says: 'No agent available',
    journal: { kind: 'agent.connected', count: 1 },
  },
  {
    id: 'S4',
    title: 'Two servers have one ID',
    lab: { servers: 2 },
    inject: [
      { on: { part: 'server/server-1' }, do: { announce: { serverId: 'server-2' } } },
      { on: { from: 'agent/*', to: 'server/1' }, do: 'reset' },
    ],
    says: 'No agent available',
    journal: { kind: 'agent.retry', error: 'duplicate server: server-2' },
  },
  {
    id: 'A4',
    title: 'Two agents have one ID, as after a node was cloned',
    lab: { nodes: 2, strategies: ['destHost'] },
    inject: atConnect('`{ on: { part: agent/node-2 }, do: { claim: … } }` with what node-1 claims', {
      on: { part: 'agent/node-2' },
      do: { claim: { agentId: 'node-1', identifiers: 'ipv4=10.0.1.11&host=node-1' } },
    }),
    provoke: async (lab) => (await lab.exec('web-2', ['hostname'])).stdout,
    asks: 'an exec in a pod of node-2',
    says: 'No agent available',
    works: 'web-2',
    journal: { kind: 'fault.hit', action: 'claim', part: 'agent/node-2' },
  },
  {
    id: 'A5',
    title: 'An agent has identifiers that no strategy uses',
    lab: { strategies: ['destHost'] },
    inject: atConnect('`{ on: { part: agent/* }, do: { claim: { identifiers: cidr=10.0.1.0/24 } } }`', {
      on: { part: 'agent/*' },
      do: { claim: { identifiers: 'cidr=10.0.1.0/24' } },
    }),
    says: 'No agent available',
    journal: { kind: 'dial.failed', tried: 'destHost: no agent claims 10.0.1.11' },
  },
];

const limits: readonly Entry[] = [
  {
    id: 'S5',
    title: 'A server accepts agents and never answers',
    inject: [{ on: { part: 'server/*' }, do: 'mute' }, cut],
    says: 'No agent available',
    journal: { kind: 'agent.retry', step: 'http2', error: 'the server does not announce itself' },
  },
  {
    id: 'S10',
    title: 'The Unix socket of a server is missing',
    lab: { timeScale: 40 },
    inject: { on: { part: 'server/server-1' }, do: { frontendSocket: { is: 'missing' } } },
    provoke: logs,
    asks: '`kubectl logs`',
    says: 'connect: no such file or directory',
    works: 'listening',
    journal: { kind: 'dial.failed', node: 'apiserver/main', code: 'SERVER_UNREACHABLE' },
  },
  {
    id: 'A10',
    title: 'An agent has no descriptors left',
    inject: { on: { part: 'agent/node-1' }, do: { descriptors: { limit: 0 } } },
    says: 'dial tcp 10.0.1.11:10250: socket: too many open files',
    journal: { kind: 'endpoint.failed', node: 'agent/node-1', reason: 'other' },
  },
];

const verbs: readonly Entry[] = [
  {
    id: 'S2',
    title: 'Servers are rolled, with too short a grace period',
    inject: { on: { part: 'server/*' }, when: { every: '6s' }, do: { stop: { grace: '1s' } }, for: '3s' },
    provoke: shell('sleep 8; hostname'),
    asks: 'an exec of 8 s',
    says: 'tunnel closed',
    journal: { kind: 'role.stopped', node: 'server/server-1' },
  },
  {
    id: 'S11',
    title: 'The API servers move',
    lab: { apiservers: 2 },
    inject: { text: '`lab.apiservers.move({ connections: "reset" })`, again and again', run: keepMoving },
    provoke: watched,
    asks: 'a controller that watches',
    says: 'the watch broke:',
    works: 'the watch goes on',
    journal: { kind: 'apiservers.moved' },
  },
  {
    id: 'A1',
    title: 'An agent ends in order',
    lab: { nodes: 2, strategies: ['destHost'] },
    inject: { on: { part: 'agent/node-1' }, do: { stop: { grace: '5s' } } },
    says: 'No agent available',
    journal: { kind: 'backend.draining', peer: 'agent/node-1' },
  },
  {
    id: 'A6',
    title: 'All agents drain',
    lab: { nodes: 2 },
    inject: { on: { part: 'agent/*' }, do: 'drain' },
    says: 'web-1',
    journal: { kind: 'dial.started', node: 'server/server-1', text: /draining, but the only one/ },
  },
];

const devices: readonly Entry[] = [
  {
    id: 'N12',
    title: 'Nodes and control plane are cut off from each other',
    lab: { timeScale: 40 },
    inject: {
      on: { between: ['agent/*', 'kubelet/*'], and: ['server/*', 'apiserver/*', 'client/*'] },
      do: 'drop',
    },
    says: 'No agent available',
    journal: { kind: 'backend.disconnected', peer: 'agent/node-1' },
    heals: 'TCP sends what was lost again.',
  },
  {
    id: 'N17',
    title: 'A device restarts, and resets what it has forgotten',
    lab: { timeScale: 10, keepalive: slowPings },
    inject: { on: agentToServer, do: 'expire' },
    says: 'No agent available',
    journal: { kind: 'flow.forgotten', verdict: 'drop' },
    heals: 'The agent comes back when it sends its next ping.',
  },
  {
    id: 'L3',
    title: 'The address of the servers moves to another machine',
    lab: { timeScale: 40, keepalive: slowPings },
    inject: { on: agentToServer, do: 'forget' },
    says: 'dial timeout, backstop',
    journal: { kind: 'flow.lost', link: 'agent/node-1 → server/server-1' },
    heals: 'The agent comes back when a ping was not answered.',
  },
  {
    id: 'L4',
    title: 'A target leaves the balancer, which forgets its connections',
    lab: { servers: 2, timeScale: 40 },
    inject: { on: { part: 'server/server-1' }, do: { removeTarget: { flows: 'drop' } } },
    says: 'No agent available',
    journal: { kind: 'flow.forgotten', node: 'middlebox/servers', verdict: 'drop' },
    heals: 'The server is a target again, and agents that look for it find it.',
  },
];

export const partFaults: readonly Entry[] = [...names, ...identities, ...limits, ...verbs, ...devices];
