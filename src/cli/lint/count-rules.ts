import { durationText } from '../../dropin/flags/go-duration.js';
import { readLabels } from '../../dropin/flags/go-list.js';
import { parseLabelSelector } from '../../kube/label-selector.js';
import { type Agent, fixedId, knows, type Program, type Server } from './programs.js';
import { eachAgent, eachServer, type Hit, type Rule, type Setup } from './rule.js';

/** An agent that searches longer than this for all servers leaves users without some of them, ms. */
const longSearchMs = 30_000;
const longPauseMs = 60_000;

/** How many servers there are, which is which, and how long agents search for them. */
export const countRules: readonly Rule[] = [
  {
    id: 'server-count-below-replicas',
    severity: 'error',
    finds: 'Servers announce fewer servers than there are.',
    why: 'Agents stop to search when they have found that many. API servers beside the others get “No agent available”, so one command in two or three fails.',
    fix: 'Set --server-count to the number of servers, on each of them, or count leases: --enable-lease-controller here and --count-server-leases at agents (both from v0.31).',
    evidence: 'k0sproject/k0s#600, k0sproject/k0s#5503, ANP#273',
    check: eachServer('server-count', (server, setup) => {
      const copies = serverCopies(setup);
      const count = countOf(server);
      return copies !== undefined && count < copies && !findAll(setup)
        ? `it announces ${count}${server.given.has('server-count') ? '' : ', the default'}, and ${copies} servers run`
        : undefined;
    }),
  },
  {
    id: 'server-count-above-replicas',
    severity: 'warning',
    finds: 'Servers announce more servers than there are.',
    why: 'Agents search for the rest for ever. Each try that ends at a known server is an agent for a moment, with the dials that it was given.',
    fix: 'Set --server-count to the number of servers.',
    evidence: 'k0sproject/k0s#600, kubernetes/website#50975; connect loop of the agent',
    check: eachServer('server-count', (server, setup) => {
      const copies = declaredCopies(setup);
      const leases = setup.agents.length > 0 && setup.agents.every(countsLeases);
      return copies !== undefined && countOf(server) > copies && !leases
        ? `it announces ${countOf(server)}, and ${copies === 1 ? '1 server runs' : `${copies} servers run`}`
        : undefined;
    }),
  },
  {
    id: 'server-counts-differ',
    severity: 'warning',
    finds: 'Servers announce different counts.',
    why: 'An agent believes the server that it connected to last, so agents find more or fewer of them, by chance.',
    fix: 'Give each server the same --server-count.',
    evidence: 'connect loop of the agent',
    check: eachServer('server-count', (server, { servers }) => {
      const first = servers.find((other) => knows(other, 'server-count'));
      return first !== undefined && countOf(first) !== countOf(server)
        ? `it announces ${countOf(server)}, another server ${countOf(first)}`
        : undefined;
    }),
  },
  {
    id: 'leases-not-counted',
    severity: 'warning',
    finds: 'A server keeps a lease, and no agent counts leases.',
    why: 'Agents use --server-count alone.',
    fix: 'Set --count-server-leases at the agents, and let them list leases.',
    evidence: 'ANP#643',
    check: eachServer('enable-lease-controller', ({ values }, { agents }) =>
      values['enable-lease-controller'] && agents.length > 0 && !agents.some(countsLeases)
        ? 'it keeps a lease, and no agent counts leases'
        : undefined,
    ),
  },
  {
    id: 'leases-not-kept',
    severity: 'error',
    finds: 'An agent counts leases, and no server keeps one.',
    why: 'Without a valid lease the agent looks for one server and finds no others.',
    fix: 'Set --enable-lease-controller at the servers.',
    evidence: 'ANP#643; lease counter of the agent',
    check: eachAgent('count-server-leases', (agent, { servers }) =>
      countsLeases(agent) && servers.length > 0 && !servers.some(keepsLease)
        ? 'it counts leases, and no server keeps one'
        : undefined,
    ),
  },
  {
    id: 'leases-elsewhere',
    severity: 'error',
    finds: "An agent looks for leases in another namespace or under other labels than the servers'.",
    why: 'It finds none of them, so it looks for one server and finds no others.',
    fix: "Make the agent's --lease-namespace and --lease-label match the servers'.",
    evidence: 'lease counter of the agent',
    check: eachAgent(
      'lease-label-selector',
      (agent, { servers }) => {
        const { 'lease-namespace': namespace, 'lease-label-selector': selector } = agent.values;
        const keepers = servers
          .filter(keepsLease)
          .filter((one) => knows(one, 'lease-label', 'lease-namespace'));
        return countsLeases(agent) && keepers.length > 0 && !keepers.some((keeper) => isFound(keeper, agent))
          ? `it counts leases of ${namespace} with ${selector}, which no server has`
          : undefined;
      },
      ['lease-label-selector', 'lease-namespace'],
    ),
  },
  {
    id: 'server-id-missing',
    severity: 'note',
    finds: 'A server has no ID of its own.',
    why: 'It takes a random one at each start. Logs and leases before and after a restart cannot be matched, and the lease of a killed server counts for up to 30 s more.',
    fix: "Set --server-id or PROXY_SERVER_ID, to the pod's or the node's name.",
    evidence: 'flags of the server; its leases last 30 s',
    check: eachServer('server-id', ({ values }) =>
      values['server-id'] === '' ? 'its ID is random at each start' : undefined,
    ),
  },
  {
    id: 'server-id-shared',
    severity: 'error',
    finds: 'Two servers have the same ID.',
    why: 'An agent closes its connection to the second one as a duplicate, and searches for ever. The second one never has an agent.',
    fix: "Take the ID from the pod's or the node's name, through a variable.",
    evidence: '“duplicate server” in the connect loop of the agent; ANP#46',
    check: ({ servers }) => sharedIds('server-id', servers),
  },
  {
    id: 'agent-id-shared',
    severity: 'error',
    finds: 'Two agents have the same ID.',
    why: 'A server uses only the first connection of an ID, and connections of both can be mixed up.',
    fix: "Take the ID from the node's name, through a variable, or leave it out: then it is random.",
    evidence: 'ANP#462, ANP#894',
    check: ({ agents }) => sharedIds('agent-id', agents),
  },
  {
    id: 'slow-search',
    severity: 'warning',
    finds: 'An agent needs long to find all servers behind a balancer.',
    why: 'It makes one try in each --sync-interval, and the balancer may give it a server that it has already. Until it has found a server, the API server beside it gets “No agent available”.',
    fix: 'Lower --sync-interval; the default is 1s.',
    evidence: 'connect loop of the agent; k0sproject/k0s#3170, ANP#394',
    check: eachAgent('sync-interval', (agent, setup) => {
      const servers = serverCopies(setup) ?? Math.max(1, ...setup.servers.map(countOf));
      const searchMs = agent.values['sync-interval'] * triesFor(servers);
      return searchMs > longSearchMs
        ? `it finds ${servers === 1 ? 'its server' : `all ${servers} servers`} after about ${durationText(Math.round(searchMs / 1000) * 1000)}`
        : undefined;
    }),
  },
  {
    id: 'long-pause-after-failures',
    severity: 'warning',
    finds: 'An agent pauses for more than 1 min when servers cannot be reached.',
    why: 'Its pauses grow by half up to --sync-interval-cap. Servers that come back wait that long for their agents.',
    fix: 'Lower --sync-interval-cap; the default is 10s.',
    evidence: 'connect loop of the agent',
    check: eachAgent('sync-interval-cap', ({ values }) =>
      values['sync-interval-cap'] > longPauseMs
        ? `it pauses for up to ${durationText(values['sync-interval-cap'])} after failures`
        : undefined,
    ),
  },
  {
    id: 'sync-forever',
    severity: 'note',
    finds: 'An agent searches for servers for ever.',
    why: 'It makes a new connection in each --sync-interval, also when it has all servers. It is an agent for a moment each time, with the dials that it was given.',
    fix: 'Count leases instead, from v0.31: --count-server-leases, and --enable-lease-controller at the servers.',
    evidence: 'ANP#358',
    check: eachAgent('sync-forever', ({ values }) =>
      values['sync-forever']
        ? `it makes a new connection every ${durationText(values['sync-interval'])}`
        : undefined,
    ),
  },
];

/** How many servers run, as far as that is known. */
function serverCopies(setup: Setup): number | undefined {
  if (setup.replicas !== undefined) return setup.replicas;
  const total = sumOfCopies(setup.servers);
  // One server may be one of several from the same template.
  return total !== undefined && total > 1 ? total : undefined;
}

/** The same, only where somebody says that these are all. */
function declaredCopies({ replicas, servers }: Setup): number | undefined {
  if (replicas !== undefined) return replicas;
  return servers.every(({ pod }) => pod?.scaled === true) ? sumOfCopies(servers) : undefined;
}

function sumOfCopies(servers: readonly Server[]): number | undefined {
  const copies = servers.map(({ pod }) => pod?.copies ?? 1);
  return copies.reduce<number | undefined>(
    (sum, one) => (sum === undefined || one === 'nodes' ? undefined : sum + one),
    0,
  );
}

/** Agents take 0 for 1. */
function countOf({ values }: Server): number {
  return Math.max(1, values['server-count']);
}

/** Agents that find all servers whatever these announce. */
function findAll({ agents }: Setup): boolean {
  return agents.length > 0 && agents.every((agent) => countsLeases(agent) || agent.values['sync-forever']);
}

function countsLeases({ values }: Agent): boolean {
  return values['count-server-leases'];
}

function keepsLease({ values }: Server): boolean {
  return values['enable-lease-controller'];
}

function isFound({ values: server }: Server, { values: agent }: Agent): boolean {
  const labels = readLabels(server['lease-label']);
  const selects = parseLabelSelector(agent['lease-label-selector']);
  if (server['lease-namespace'] !== agent['lease-namespace']) return false;
  return 'fault' in labels || selects === undefined || selects({ metadata: { labels: labels.value } });
}

/** Programs whose ID stands in the file while there are several of them, and programs with the ID of another. */
function sharedIds(flag: string, programs: readonly Program[]): Hit[] {
  return programs.flatMap((program, index) => {
    const id = fixedId(program);
    if (id === undefined) return [];
    const isSecond = programs.slice(0, index).some((other) => fixedId(other) === id);
    const copies = program.pod?.copies ?? 1;
    const pods = copies === 'nodes' ? 'the pods of all nodes' : `${copies} pods`;
    if (isSecond) return [{ program, flag, text: `another one has the ID ${id}, too` }];
    return copies === 'nodes' || copies > 1 ? [{ program, flag, text: `${pods} have the ID ${id}` }] : [];
  });
}

/** How many tries find `count` servers on average, when a balancer gives each of them with the same chance. */
function triesFor(count: number): number {
  const shares = Array.from({ length: count }, (_, index) => count / (index + 1));
  return shares.reduce((sum, share) => sum + share, 0);
}
