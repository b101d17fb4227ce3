import { Agent } from '../../src/agent/agent.js';
import { agentDefaults } from '../../src/agent/options.js';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { goDial } from '../../src/links/go-dial.js';
import { startProxyServer } from '../../src/server/server.js';
import { host } from './sockets.js';
import { serve } from './worker.js';

/** A role of ours whose agent link has no TLS, which its program has no flag for. */
export type PlainRoleSetup =
  | { readonly role: 'server'; readonly socket: string }
  | { readonly role: 'agent'; readonly serverPort: number };

const clock = createRealClock();
const random = createRandom(process.pid);
const shared = { clock, random, packetEvents: false, health: { host, port: 0 } };

/** Resolves with the port for agents. */
async function startServer(path: string): Promise<number> {
  const server = await startProxyServer({
    ...{ ...shared, emit: ignoreEvents, name: 'plain', serverId: 'plain', serverCount: 1 },
    ...{ strategies: ['default'], backendDialTimeoutMs: 0, keepaliveTimeMs: 3_600_000 },
    frontends: [{ kind: 'unix', path }],
    agents: { kind: 'plain', host, port: 0 },
  });
  return Number(server.agentAddress.split(':').at(-1));
}

/** Resolves when the server has announced itself. */
function startAgent(serverPort: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({
      ...{ ...agentDefaults, ...shared, name: 'plain', agentId: 'plain', identifiers: `ipv4=${host}` },
      ...{ server: `${host}:${serverPort}`, tls: 'none' },
      connectEndpoint: (to, port, options) => goDial(to, port, { ...options, clock }),
      emit: ({ kind }) => {
        if (kind === 'agent.connected') resolve();
      },
    });
    agent.start().catch(reject);
  });
}

serve(async (setup: PlainRoleSetup) => ({
  hello: setup.role === 'server' ? await startServer(setup.socket) : await startAgent(setup.serverPort),
  handle: async () => undefined,
}));
