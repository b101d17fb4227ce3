import { Agent } from '../../src/agent/agent.js';
import { agentDefaults } from '../../src/agent/options.js';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { Links } from '../../src/links/links.js';
import { startMiddlebox } from '../../src/links/middlebox.js';
import { createNodeNetwork } from '../../src/links/node-network.js';
import type { OpenTcp } from '../../src/links/tcp-connect.js';
import { startProxyServer } from '../../src/server/server.js';
import type { Watching } from './requests.js';
import { host, nodeAddress } from './sockets.js';
import { recording } from './watch.js';
import { serve } from './worker.js';

interface Watched {
  readonly watching: Watching;
  /** Of `/metrics`. */
  readonly healthPort: number;
}

/** A role of ours whose agent link has no TLS, which its program has no flag for, or a device on that link. */
export type PlainRoleSetup =
  | ({ readonly role: 'server'; readonly socket: string } & Watched)
  | ({
      readonly role: 'agent';
      readonly serverPort: number;
      readonly endpointPort: number;
      /** Both of its connections pass links, as in a lab. */
      readonly linked: boolean;
    } & Watched)
  | { readonly role: 'middlebox'; readonly toPort: number };

type Setup<Role> = Extract<PlainRoleSetup, { readonly role: Role }>;

const clock = createRealClock();
const random = createRandom(process.pid);

/** Resolves with the port for agents. */
async function startServer({ socket, watching, healthPort }: Setup<'server'>): Promise<number> {
  const server = await startProxyServer({
    ...{ clock, random, ...recording(watching, clock), health: { host, port: healthPort } },
    ...{ name: 'plain', serverId: 'plain', serverCount: 1 },
    ...{ strategies: ['default'], backendDialTimeoutMs: 0, keepaliveTimeMs: 3_600_000 },
    frontends: [{ kind: 'unix', path: socket }],
    agents: { kind: 'plain', host, port: 0 },
  });
  return portOf(server.agentAddress);
}

/** Resolves when the server has announced itself. Addresses of loopback are dialled directly. */
function startAgent({
  serverPort,
  watching,
  healthPort,
  endpointPort,
  linked,
}: Setup<'agent'>): Promise<void> {
  const network = createNodeNetwork({ clock });
  network.register(nodeAddress, endpointPort, { host, port: endpointPort });
  const { emit, packetEvents } = recording(watching, clock);
  const links = new Links({ node: 'lab/bench', clock, random, emit: ignoreEvents });
  const from = 'agent/plain';
  const open: OpenTcp = (real, shown) =>
    links.open({ from, to: `endpoint/${shown.host}:${shown.port}` }, real);
  const linkToServer = {
    openServer: () => links.open({ from, to: 'server/plain' }, { host, port: serverPort }),
  };
  return new Promise((resolve, reject) => {
    const agent = new Agent({
      ...{ ...agentDefaults, clock, random, name: 'plain', agentId: 'plain', identifiers: `ipv4=${host}` },
      ...{ server: `${host}:${serverPort}`, tls: 'none', health: { host, port: healthPort } },
      connectEndpoint: (to, port, options) =>
        network.connect(to, port, linked ? { ...options, open } : options),
      ...(linked ? linkToServer : {}),
      packetEvents,
      emit: (event) => {
        if (event.kind === 'agent.connected') resolve();
        emit(event);
      },
    });
    agent.start().catch(reject);
  });
}

/** Resolves with its port. */
async function startBox({ toPort }: Setup<'middlebox'>): Promise<number> {
  const routes = [{ listen: `${host}:0`, to: [`${host}:${toPort}`] }];
  const links = new Links({ node: 'middlebox/plain', clock, random, emit: ignoreEvents });
  const { addresses } = await startMiddlebox({ routes, links, clock, emit: ignoreEvents });
  return portOf(addresses[0] ?? '');
}

const portOf = (address: string): number => Number(address.split(':').at(-1));

function start(setup: PlainRoleSetup): Promise<number | void> {
  switch (setup.role) {
    case 'server':
      return startServer(setup);
    case 'agent':
      return startAgent(setup);
    case 'middlebox':
      return startBox(setup);
  }
}

serve(async (setup: PlainRoleSetup) => ({ hello: await start(setup), handle: async () => undefined }));
