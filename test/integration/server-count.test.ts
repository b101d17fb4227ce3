import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent } from '../../src/agent/agent.js';
import type { ServerCountOptions } from '../../src/agent/server-count.js';
import { tokenMetadata } from '../../src/agent/service-account-token.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import type { ProxyServer } from '../../src/server/server.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import { startTcpBalancer } from '../support/tcp-balancer.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';

const namespace = 'kube-system';
const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const labels = { 'k8s-app': 'konnectivity-server' };
const labelSelector = 'k8s-app=konnectivity-server';
/** 30 s of a lease pass in 1.5 s. */
const timeScale = 20;

let bench: TunnelBench;
let api: KubeApiServer;

beforeEach(async () => {
  bench = await TunnelBench.create({ timeScale });
  const { certPem: cert, keyPem: key } = bench.certificates.leaves.apiserver;
  api = await KubeApiServer.start({ cert, key });
  bench.onClose(() => api.close());
});
afterEach(() => bench.close());

const wallTimeMs = (): number => Date.UTC(2026, 0) + bench.clock.now();

function kube(): KubeClient {
  const access = {
    server: new URL(api.url),
    tls: () => ({ ca: bench.certificates.ca.certPem }),
    headers: () => ({}),
  };
  const client = new KubeClient({
    access,
    clock: bench.clock,
    limit: { qps: -1, burst: 0 },
    timeoutMs: 600_000,
  });
  bench.onClose(() => client.close());
  return client;
}

function leasedServer(name: string, serverCount = 1): Promise<ProxyServer> {
  const lease = { client: kube(), namespace, labels, wallTimeMs, callTimeoutMs: 600_000 };
  return bench.server({ name, serverId: name, serverCount, lease });
}

async function balanced(servers: readonly ProxyServer[]): Promise<string> {
  const balancer = await startTcpBalancer(servers.map(({ agentAddress }) => agentAddress));
  bench.onClose(() => balancer.close());
  return balancer.address;
}

function countingAgent(address: string, source: ServerCountOptions['source'] = 'default'): Agent {
  const leases = { client: kube(), namespace, labelSelector, wallTimeMs };
  return bench.agent(address, { serverCount: { source, leases } });
}

describe('an agent that counts leases', () => {
  it('finds all three servers though each says that it is alone; one that dies is not counted any more', async () => {
    const servers = [await leasedServer('s1'), await leasedServer('s2'), await leasedServer('s3')];
    for (const name of ['s1', 's2', 's3'])
      await bench.waitFor({ kind: 'lease.acquired', node: `server/${name}` });
    const agent = countingAgent(await balanced(servers));
    await agent.start();
    for (const name of ['s1', 's2', 's3'])
      await bench.waitFor({ kind: 'agent.connected', peer: `server/${name}` });
    expect(agent.snapshot().wantedServers).toBe(3);
    await servers[0]?.stop();
    expect(agent.snapshot().wantedServers).toBe(3);
    await bench.waitFor({ kind: 'servers.counted', count: 2 });
    await bench.waitFor({ kind: 'lease.collected', lease: 'konnectivity-proxy-server-s1' });
    expect(agent.snapshot()).toMatchObject({ wantedServers: 2, servers: expect.not.arrayContaining(['s1']) });
  });

  it('notices at once a server that ends in order, and one that comes', async () => {
    const first = await leasedServer('s1');
    const second = await leasedServer('s2');
    for (const name of ['s1', 's2']) await bench.waitFor({ kind: 'lease.acquired', node: `server/${name}` });
    const agent = countingAgent(await balanced([first, second]));
    await agent.start();
    await bench.waitFor({ kind: 'servers.counted', count: 2 });
    const since = bench.journal.mark();
    await second.finish(0);
    const { t: released } = await bench.waitFor({ kind: 'lease.released' }, since);
    const { t: counted } = await bench.waitFor({ kind: 'servers.counted', count: 1 }, since);
    // A lease that had to expire would last for 1500 ms of the journal's time.
    expect(counted - released).toBeLessThan(700);
    await leasedServer('s3');
    await bench.waitFor({ kind: 'servers.counted', count: 2 }, since);
  });

  it.each([
    ['default', 1, 'KNP lease count'],
    ['max', 3, 'KNP server response headers'],
  ] as const)(
    'with source %s, one lease and servers that say 3 looks for %i',
    async (source, count, text) => {
      const server = await leasedServer('s1', 3);
      await bench.waitFor({ kind: 'lease.acquired' });
      const agent = countingAgent(server.agentAddress, source);
      await agent.start();
      await bench.waitFor({ kind: 'agent.connected' });
      await expect.poll(() => agent.snapshot().wantedServers).toBe(count);
      expect(bench.journal.events().findLast(({ kind }) => kind === 'servers.counted')).toMatchObject({
        count,
        text,
      });
      const page = await (await fetch(`http://${agent.healthAddress}/metrics`)).text();
      expect(page).toContain(`konnectivity_network_proxy_agent_known_server_count ${count}`);
      expect(page).toContain(
        'konnectivity_network_proxy_agent_lease_lists_total{http_response_code="200",reason=""} 1',
      );
    },
  );

  it('connects to one server while the API is not there, and to all once it is', async () => {
    const servers = [await leasedServer('s1'), await leasedServer('s2')];
    for (const name of ['s1', 's2']) await bench.waitFor({ kind: 'lease.acquired', node: `server/${name}` });
    const address = await balanced(servers);
    api.intercept = ({ url, method }, response) => {
      if (method !== 'GET' || !url.pathname.endsWith('leases')) return false;
      response.destroy();
      return true;
    };
    const agent = countingAgent(address);
    await agent.start();
    await bench.waitFor({ kind: 'agent.connected' });
    await bench.waitFor({ kind: 'lease.failed', node: 'agent/*' });
    expect(agent.snapshot().wantedServers).toBe(1);
    api.intercept = () => false;
    await bench.waitFor({ kind: 'servers.counted', count: 2 });
    await expect.poll(() => agent.snapshot().servers.length).toBe(2);
  });

  it('counts no lease of other labels, namespaces or times', async () => {
    const put = (name: string, over: object, at = collection): void => {
      const spec = { renewTime: new Date(wallTimeMs()).toISOString(), leaseDurationSeconds: 1e6, ...over };
      api.put(`${at}/${name}`, { metadata: { name, namespace, labels }, spec });
    };
    put('one', {});
    put('two', { leaseDurationSeconds: 2e6 });
    put('old', { leaseDurationSeconds: 0 });
    put('elsewhere', {}, collection.replace(namespace, 'default'));
    api.put(`${collection}/other`, { metadata: { name: 'other', labels: { a: 'b' } } });
    const agent = countingAgent('127.0.0.1:1');
    await agent.start();
    await bench.waitFor({ kind: 'servers.counted', count: 2 });
  });
});

describe('a server that asks agents for tokens', () => {
  const account = 'system:serviceaccount:kube-system:konnectivity-agent';
  const audience = 'system:konnectivity-server';

  async function askingServer(): Promise<ProxyServer> {
    const agentTokens = { client: kube(), namespace, serviceAccount: 'konnectivity-agent', audience };
    const { cert, key } = bench.tls('server');
    return bench.server({ agentTokens, agents: { kind: 'tcp', host, port: 0, tls: { cert, key } } });
  }

  function agentWith(server: ProxyServer, file: string): Agent {
    const { ca } = bench.tls('agent');
    return bench.agent(server.agentAddress, { tls: { ca }, metadata: tokenMetadata(file) });
  }

  it('accepts agents whose token the API knows, read again at each connection', async () => {
    const file = join(bench.folder, 'token');
    await writeFile(file, 'expired');
    api.tokens.set('expired', { error: '[invalid bearer token, service account token has expired]' });
    api.tokens.set('renewed', { username: account, audiences: [audience] });
    const server = await askingServer();
    const agent = agentWith(server, file);
    await agent.start();
    const fault =
      'Failed to validate authentication token, err:lookup failed: [invalid bearer token, service account token has expired]';
    expect((await bench.waitFor({ kind: 'peer.refused' })).error).toBe(fault);
    expect((await bench.waitFor({ kind: 'agent.retry' })).error).toBe(fault);
    expect(server.snapshot().backends).toBe(0);
    await writeFile(file, 'renewed\n');
    await bench.waitFor({ kind: 'backend.connected' });
    await bench.checkPath(server);
    expect(JSON.stringify(bench.journal.events())).not.toMatch(/Bearer|renewed/);
    expect(await readFile(file, 'utf8')).toBe('renewed\n');
  });

  it('refuses agents with the token of another account, and those without', async () => {
    const file = join(bench.folder, 'token');
    await writeFile(file, 'wrong');
    api.tokens.set('wrong', { username: 'system:serviceaccount:default:default' });
    const server = await askingServer();
    await agentWith(server, file).start();
    const refusal = await bench.waitFor({ kind: 'peer.refused' });
    expect(refusal.error).toMatch(/incoming request from "default" namespace\. Expected "kube-system"$/);
    const since = bench.journal.mark();
    await bench.agent(server.agentAddress, { tls: { ca: bench.tls('agent').ca } }).start();
    const error = 'Authentication context was not found in metadata';
    await bench.waitFor({ kind: 'peer.refused', error }, since);
    await bench.waitFor({ kind: 'agent.retry', error }, since);
  });

  it('forgets agents that go, and ends, while their token is looked at', async () => {
    const file = join(bench.folder, 'token');
    await writeFile(file, 'slow');
    api.intercept = () => true;
    const server = await askingServer();
    const agent = agentWith(server, file);
    await agent.start();
    await expect.poll(() => api.seen.length).toBe(1);
    await agent.stop();
    const second = agentWith(server, file);
    await second.start();
    await expect.poll(() => api.seen.length).toBe(2);
    await server.stop();
    expect(bench.journal.events().map(({ kind }) => kind)).not.toContain('peer.refused');
  });
});
