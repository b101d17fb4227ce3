import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tokenMetadata } from '../../src/agent/service-account-token.js';
import { createTokenKeys, signServiceAccountToken } from '../../src/apiserver/auth/service-account-tokens.js';
import { renderKubeconfig } from '../../src/apiserver/kubeconfig.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import { readKubeconfig } from '../../src/kube/kubeconfig.js';
import type { ProxyServer } from '../../src/server/server.js';
import { startTcpBalancer } from '../support/tcp-balancer.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { makeCredentials, startTestApi, type TestApi } from '../unit/apiserver/fixture.js';

const namespace = 'kube-system';
const labels = { 'k8s-app': 'konnectivity-server' };
const audience = 'system:konnectivity-server';
const serviceAccount = { namespace, name: 'konnectivity-agent', uid: 'uid-of-the-agent' };
const keys = createTokenKeys();

let bench: TunnelBench;
let cluster: TestApi;

beforeEach(async () => {
  bench = await TunnelBench.create({ timeScale: 10 });
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { ...serviceAccount, creationTimestamp: '2026-01-01T00:00:00Z' },
  };
  cluster = await startTestApi(await makeCredentials(), { tokenKeys: keys, objects: { others: [account] } });
  bench.onClose(() => cluster.close());
});
afterEach(() => bench.close());

const wallTimeMs = (): number => Date.UTC(2026, 0) + bench.clock.now();

/** A client with a kubeconfig as the lab writes it. */
async function kube(): Promise<KubeClient> {
  const path = join(bench.folder, 'kubeconfig');
  const { api, credentials } = cluster;
  const { certPem, keyPem } = credentials.admin;
  const caPem = credentials.ca.certPem;
  await writeFile(
    path,
    renderKubeconfig({ name: 'lab', server: api.url, caPem, credential: { certPem, keyPem } }),
  );
  const access = await readKubeconfig(path, { clock: bench.clock });
  const client = new KubeClient({
    access,
    clock: bench.clock,
    timeoutMs: 600_000,
    limit: { qps: -1, burst: 0 },
  });
  bench.onClose(() => client.close());
  return client;
}

function token(expirationSeconds: number, over: Partial<typeof serviceAccount> = {}): string {
  const wish = { ...serviceAccount, ...over, audiences: [audience], expirationSeconds };
  return signServiceAccountToken(keys, wish, Date.now());
}

describe('proxy-servers and agents with the cluster of the façade', () => {
  it('agree on three servers by their leases, and on two when one has died', async () => {
    const servers: ProxyServer[] = [];
    for (const name of ['s1', 's2', 's3']) {
      const lease = { client: await kube(), namespace, labels, wallTimeMs, callTimeoutMs: 600_000 };
      servers.push(await bench.server({ name, serverId: name, lease }));
      await bench.waitFor({ kind: 'lease.acquired', node: `server/${name}` });
    }
    const balancer = await startTcpBalancer(servers.map(({ agentAddress }) => agentAddress));
    bench.onClose(() => balancer.close());
    const leases = {
      client: await kube(),
      namespace,
      labelSelector: 'k8s-app=konnectivity-server',
      wallTimeMs,
    };
    const agents = ['a1', 'a2'].map((name) =>
      bench.agent(balancer.address, { name, agentId: name, serverCount: { source: 'default', leases } }),
    );
    for (const agent of agents) await agent.start();
    await expect.poll(() => agents.map((agent) => agent.snapshot().servers.length)).toEqual([3, 3]);
    const since = bench.journal.mark();
    await servers[0]?.stop();
    await bench.waitFor({ kind: 'lease.collected', lease: 'konnectivity-proxy-server-s1' }, since);
    // A lease that a busy machine has renewed too late does not count for a moment.
    await expect.poll(() => agents.map((agent) => agent.snapshot().wantedServers)).toEqual([2, 2]);
  });

  it('agree on agents by signed tokens: a good one, a bad one, one of another account, one that has expired', async () => {
    const agentTokens = { client: await kube(), namespace, serviceAccount: serviceAccount.name, audience };
    const { cert, key, ca } = bench.tls('server');
    const agents = { kind: 'tcp', host, port: 0, tls: { cert, key } } as const;
    const server = await bench.server({ agentTokens, agents });
    const file = join(bench.folder, 'token');
    const refusals: string[] = [];
    for (const text of ['no.such.token', token(-60), token(600, { name: 'other', uid: 'other' })]) {
      await writeFile(file, text);
      const since = bench.journal.mark();
      const agent = bench.agent(server.agentAddress, { tls: { ca }, metadata: tokenMetadata(file) });
      await agent.start();
      refusals.push((await bench.waitFor({ kind: 'peer.refused' }, since)).error ?? '');
      await bench.waitFor({ kind: 'agent.retry' }, since);
      await agent.stop();
    }
    for (const refusal of refusals) {
      expect(refusal).toMatch(/^Failed to validate authentication token, err:lookup failed: /);
    }
    expect(server.snapshot().backends).toBe(0);
    await writeFile(file, token(600));
    await bench.connectedAgent(server, { tls: { ca }, metadata: tokenMetadata(file) });
    await bench.checkPath(server);
  });
});
