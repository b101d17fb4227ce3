import { afterEach, describe, expect, it } from 'vitest';
import { RawCall } from '../support/raw-call.js';
import { TunnelBench } from '../support/tunnel-bench.js';

let bench: TunnelBench;

async function connect(agentId: string): Promise<RawCall> {
  bench = await TunnelBench.create();
  const { agentAddress } = await bench.server();
  const tls = bench.tls('agent');
  const call = new RawCall({
    address: agentAddress,
    path: '/AgentService/Connect',
    tls,
    metadata: [['agentid', agentId]],
  });
  bench.onClose(() => call.close());
  return call;
}

describe('an agent ID, which every event and metric of its agent contains', () => {
  afterEach(() => bench.close());

  it.each([
    ['is empty', ''],
    ['has 60 KB', 'x'.repeat(60_000)],
  ])('is refused when it %s', async (_what, agentId) => {
    const call = await connect(agentId);
    expect(await call.status).toMatchObject({
      code: 2,
      details: `expected an agent ID of 1 to 1024 characters in the context, got ${agentId.length}`,
    });
  });

  it.each(['node-1', 'x'.repeat(1_024), 'a"b\\c'])('may be %s', async (agentId) => {
    const call = await connect(agentId);
    expect((await call.metadata).get('serverid')).toEqual(['s1']);
    await bench.waitFor({ kind: 'backend.connected', peer: `agent/${agentId}` });
  });
});
