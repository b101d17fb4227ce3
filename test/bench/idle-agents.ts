import type { Agent } from '../../src/agent/agent.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { built } from './built.js';
import { host } from './sockets.js';
import { serve } from './worker.js';

export interface IdleAgentsSetup {
  readonly server: string;
  readonly tls: TlsFiles;
}

const atOnce = 20;

const agentModule = await built<typeof import('../../src/agent/agent.js')>('agent/agent.js');
const { agentDefaults } = await built<typeof import('../../src/agent/options.js')>('agent/options.js');
const { createRealClock } = await built<typeof import('../../src/core/clock.js')>('core/clock.js');
const { createRandom } = await built<typeof import('../../src/core/random.js')>('core/random.js');
const { goDial } = await built<typeof import('../../src/links/go-dial.js')>('links/go-dial.js');

serve(async ({ server, tls }: IdleAgentsSetup) => {
  const clock = createRealClock();
  const random = createRandom(1);
  const agents: Agent[] = [];
  const add = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const name = `idle-${agents.length + 1}`;
      const agent = new agentModule.Agent({
        ...agentDefaults,
        ...{ name, agentId: name, identifiers: `host=${name}`, server, tls, clock, random },
        connectEndpoint: (to, port, options) => goDial(to, port, { ...options, clock }),
        health: { host, port: 0 },
        packetEvents: false,
        emit: ({ kind }) => {
          if (kind === 'agent.connected') resolve();
        },
      });
      agents.push(agent);
      agent.start().catch(reject);
    });
  /** Connects so many more; resolves with what it took, ms. */
  const handle = async (count: number): Promise<number> => {
    const beginMs = performance.now();
    for (let left = count; left > 0; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(left, atOnce) }, add));
    }
    return performance.now() - beginMs;
  };
  return { hello: undefined, handle };
});
