import { Agent } from '../../src/agent/agent.js';
import { agentDefaults } from '../../src/agent/options.js';
import type { Lab } from '../../src/index.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import { leafTls } from '../../src/pki/certificate-set.js';
import { asked } from './provoke.js';

const namespace = 'kube-system';
const label = { 'k8s-app': 'konnectivity-server' } as const;
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

/** Says that a server has renewed its lease now, or that it has not for years. */
export async function setLease(lab: Lab, server: string, renewed: 'now' | 'long ago'): Promise<void> {
  const renewTime = renewed === 'now' ? new Date().toISOString() : '2020-01-01T00:00:00Z';
  const spec = { holderIdentity: server, leaseDurationSeconds: 3600, renewTime };
  const body = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: server, namespace, labels: label },
    spec,
  };
  await asked(lab, `${leases}/${server}`, { method: 'DELETE' });
  await asked(lab, leases, { method: 'POST', body });
}

/** Takes the place of the agent of node-1, with an agent that counts leases. Resolves with how to end it. */
export async function startCountingAgent(lab: Lab): Promise<() => Promise<void>> {
  for (const server of ['server-1', 'server-2']) await setLease(lab, server, 'now');
  const { context, parts } = lab['insides'];
  const { clock, random, emit, network, certificates, agentTls: tls } = context;
  const access = {
    server: new URL(lab.apiServerUrl),
    tls: () => leafTls(certificates, 'admin'),
    headers: () => ({}),
  };
  const client = new KubeClient({ access, clock, limit: { qps: -1, burst: 0 }, timeoutMs: 600_000 });
  const [labelSelector = ''] = Object.entries(label).map((pair) => pair.join('='));
  const agent = new Agent({
    ...{ ...agentDefaults, name: 'counting', agentId: 'counting', clock, random, emit, tls },
    identifiers: 'ipv4=10.0.1.11&host=node-1',
    server: lab.agentAddress,
    serverCount: { source: 'default', leases: { client, namespace, labelSelector } },
    connectEndpoint: (host, port, options) => network.connect(host, port, options),
    openServer: () => parts.servers.connect('agent/counting'),
  });
  await lab.part('agent/node-1').kill();
  await agent.start();
  return async () => {
    await agent.stop();
    await client.close();
  };
}
