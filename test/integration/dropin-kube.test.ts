import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderKubeconfig } from '../../src/apiserver/kubeconfig.js';
import { DropinBench } from '../support/dropin.js';
import { KubeApiServer } from '../support/kube-api-server.js';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
let bench: DropinBench;
let api: KubeApiServer;

beforeEach(async () => {
  bench = await DropinBench.open();
  const read = (name: string): Promise<string> => readFile(bench.file(name), 'utf8');
  api = await KubeApiServer.start({ cert: await read('apiserver.crt'), key: await read('apiserver.key') });
  const caPem = await read('ca.crt');
  const credential = { token: 'of-the-kubeconfig' };
  await writeFile(
    bench.file('kubeconfig'),
    renderKubeconfig({ name: 'api', server: api.url, caPem, credential }),
  );
});
afterEach(async () => {
  await bench.close();
  await api.close();
});

describe('proxy-server and proxy-agent with a Kubernetes API', () => {
  it('agree on the number of servers by leases; the lease goes when the server ends', async () => {
    api.bearer = 'of-the-kubeconfig';
    const kubeconfig = bench.file('kubeconfig');
    const server = bench.start(
      'proxy-server',
      bench.serverFlags({ kubeconfig, 'enable-lease-controller': true, 'lease-label': 'app=knp,zone=a' }),
    );
    await server.waitFor(/lease\.acquired/);
    const [lease] = api.items(leases);
    expect(lease).toMatchObject({
      metadata: { name: 'konnectivity-proxy-server-s1', labels: { app: 'knp', zone: 'a' } },
      spec: { holderIdentity: 's1', leaseDurationSeconds: 30 },
    });
    const counting = { kubeconfig, 'count-server-leases': true, 'lease-label-selector': 'app=knp' };
    const agent = bench.start('proxy-agent', bench.agentFlags(counting));
    await agent.waitFor(/servers\.counted  KNP lease count  count=1/);
    await agent.waitFor(/agent\.connected/);
    const { metadata, ...rest } = lease ?? { metadata: { name: '' } };
    const spec = { ...(rest['spec'] as object), leaseDurationSeconds: 3600 };
    api.put(`${leases}/second`, { metadata: { ...metadata, name: 'second' }, spec });
    await agent.waitFor(/servers\.counted  KNP lease count  count=2/);
    expect((await server.stop('SIGTERM')).code).toBe(0);
    expect(api.items(leases).map(({ metadata: { name } }) => name)).toEqual(['second']);
    expect(api.seen.map(({ headers }) => headers['user-agent'])).toEqual(
      expect.arrayContaining(['proxy-server', 'proxy-agent']),
    );
    const { stderr } = await agent.stop('SIGKILL');
    expect(stderr).not.toContain('of-the-kubeconfig');
  });

  it('agree on who the agent is by its token', async () => {
    const audience = 'system:konnectivity-server';
    api.tokens.set('good', { username: 'system:serviceaccount:kube-system:agent', audiences: [audience] });
    await writeFile(bench.file('token'), 'bad');
    const server = bench.start(
      'proxy-server',
      bench.serverFlags({
        'cluster-ca-cert': '',
        kubeconfig: bench.file('kubeconfig'),
        'agent-namespace': 'kube-system',
        'agent-service-account': 'agent',
        'authentication-audience': audience,
      }),
    );
    await server.waitFor(/role\.started/);
    const tokenFlags = {
      'agent-cert': '',
      'agent-key': '',
      'service-account-token-path': bench.file('token'),
    };
    const agent = bench.start('proxy-agent', bench.agentFlags(tokenFlags));
    await server.waitFor(/^W.*peer\.refused .*lookup failed: invalid bearer token/m);
    await agent.waitFor(/agent\.retry .*lookup failed: invalid bearer token/);
    await writeFile(bench.file('token'), 'good');
    await agent.waitFor(/agent\.connected/);
  });

  it('refuse a kubeconfig that they cannot use, in one line', async () => {
    await writeFile(bench.file('kubeconfig'), 'current-context: nowhere\n');
    const kubeconfig = bench.file('kubeconfig');
    const flags = bench.serverFlags({ kubeconfig, 'enable-lease-controller': true });
    const { code, stderr } = await bench.start('proxy-server', flags).finished();
    expect(stderr).toMatch(/failed to load kubernetes client config: .*context "nowhere" does not exist/);
    expect(code).toBe(1);
  });
});
