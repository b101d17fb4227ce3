import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../src/core/turns.js';
import { deferred } from '../support/deferred.js';
import { TunnelBench } from '../support/tunnel-bench.js';

let bench: TunnelBench;

beforeEach(async () => {
  bench = await TunnelBench.create();
});
afterEach(() => bench.close());

const attempts = (agent: string): number =>
  bench.journal.events().filter(({ kind, node }) => kind === 'agent.connecting' && node === agent).length;

describe('agents that share turns', () => {
  it('all connect, one after the other, and again after a loss', async () => {
    const server = await bench.server();
    const turns = new Turns(1);
    const agents = ['a', 'b', 'c'].map((name) => bench.agent(server.agentAddress, { name, turns }));
    await Promise.all(agents.map((agent) => agent.start()));
    for (const name of ['a', 'b', 'c'])
      await bench.waitFor({ kind: 'agent.connected', node: `agent/${name}` });
    const since = bench.journal.mark();
    await server.stop();
    // The server is gone. Each agent finds that out in its turn.
    for (const name of ['a', 'b', 'c'])
      await bench.waitFor({ kind: 'agent.retry', node: `agent/${name}` }, since);
  });

  it('are not held up by one that was stopped while it waited', async () => {
    const server = await bench.server();
    const turns = new Turns(1);
    const held = deferred();
    const holding = turns.during(() => held.promise);
    const [stopped, other] = ['a', 'b'].map((name) => bench.agent(server.agentAddress, { name, turns }));
    await stopped?.start();
    await other?.start();
    await stopped?.stop();
    held.resolve();
    await holding;
    await bench.waitFor({ kind: 'agent.connected', node: 'agent/b' });
    expect([attempts('agent/a'), attempts('agent/b')]).toEqual([0, 1]);
  });
});
