import { Agent } from '../../src/agent/agent.js';
import { agentDefaults } from '../../src/agent/options.js';
import { createRealClock } from '../../src/core/clock.js';
import { createRandom } from '../../src/core/random.js';
import { goDial } from '../../src/links/go-dial.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { host } from './sockets.js';
import { serve } from './worker.js';

export interface IdleAgentsSetup {
  readonly server: string;
  readonly tls: TlsFiles;
}

const atOnce = 20;

serve(async ({ server, tls }: IdleAgentsSetup) => {
  const clock = createRealClock();
  const random = createRandom(1);
  const agents: Agent[] = [];
  const add = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const name = `idle-${agents.length + 1}`;
      const agent = new Agent({
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
