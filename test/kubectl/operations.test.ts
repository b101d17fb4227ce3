import { afterEach, expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster({ nodes: 1 });

describeEachKubectl('running a cluster', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const full = isOldestOrNewest(binary);

  async function output(args: readonly string[], stdin = ''): Promise<string> {
    const result = await kubectl().run(args, { stdin });
    expect(result, args.join(' ')).toMatchObject({ code: 0 });
    return result.stdout;
  }

  async function failure(args: readonly string[]): Promise<string> {
    const result = await kubectl().run(args);
    expect(result, args.join(' ')).toMatchObject({ code: 1, stdout: '' });
    return result.stderr;
  }

  afterEach(async () => {
    await kubectl().run(['delete', 'deploy/made', 'cm/one', 'cm/two', '--ignore-not-found']);
    await kubectl().run(['delete', 'pods', '-l', 'app=made', '--grace-period=0', '--force']);
  });

  it.runIf(full)('deletes all objects of a kind, after a dry run on the server', async () => {
    for (const name of ['one', 'two']) await output(['create', 'configmap', name]);
    expect(await output(['delete', 'configmaps', '--all', '--dry-run=server'])).toBe(
      'configmap "one" deleted (server dry run)\nconfigmap "two" deleted (server dry run)\n',
    );
    expect(await output(['delete', 'configmaps', '--all'])).toBe(
      'configmap "one" deleted\nconfigmap "two" deleted\n',
    );
    expect(await output(['get', 'configmaps', '-o', 'name'])).toBe('');
  });

  it.runIf(full)('rolls a deployment out, restarts it, and undoes a change', async () => {
    const done = 'deployment "made" successfully rolled out\n';
    const rollout = (...args: string[]): Promise<string> => output(['rollout', ...args]);
    const status = ['status', 'deploy/made', '--timeout=15s'];
    await output(['create', 'deployment', 'made', '--image=konnsim/web', '--replicas=2']);
    expect(await rollout(...status)).toContain(done);
    expect(await rollout('restart', 'deploy/made')).toBe('deployment.apps/made restarted\n');
    expect(await rollout(...status)).toContain(done);
    await output(['set', 'image', 'deploy/made', '*=konnsim/shell']);
    expect(await rollout(...status)).toContain(done);
    expect(await rollout('history', 'deploy/made')).toMatch(/^1 [^]*^2 [^]*^3 /m);
    expect(await rollout('undo', 'deploy/made')).toBe('deployment.apps/made rolled back\n');
    expect(await rollout(...status)).toContain(done);
    const image = 'jsonpath={.spec.template.spec.containers[0].image}';
    expect(await output(['get', 'deploy', 'made', '-o', image])).toBe('konnsim/web');
    expect(await output(['scale', 'deploy/made', '--replicas=1'])).toBe('deployment.apps/made scaled\n');
    expect(await rollout(...status)).toContain(done);
    const scheduled = /Normal +Scheduled +pod\/made-\S+ +Successfully assigned default\/made-\S+ to node-1/m;
    expect(await output(['events'])).toMatch(/Scheduled +Pod\/made-/);
    expect(await output(['get', 'events'])).toMatch(scheduled);
  });

  it.runIf(full)('taints a node, which then gets no new pods', async () => {
    expect(await output(['taint', 'node', 'node-1', 'k=v:NoSchedule'])).toBe('node/node-1 tainted\n');
    await output(['create', 'deployment', 'made', '--image=konnsim/web']);
    const reason = 'jsonpath={.items[0].status.conditions[?(@.type=="PodScheduled")].message}';
    await expect
      .poll(() => output(['get', 'pods', '-l', 'app=made', '-o', reason]))
      .toContain('had untolerated taint {k: v}');
    expect(await output(['taint', 'node', 'node-1', 'k-'])).toBe('node/node-1 untainted\n');
    await output(['wait', 'deploy/made', '--for=condition=Available', '--timeout=15s']);
  });

  it('reports that there are no metrics', async () => {
    expect(await failure(['top', 'pods'])).toBe('error: Metrics API not available\n');
    expect(await failure(['top', 'nodes'])).toBe('error: Metrics API not available\n');
  });

  it.runIf(full)('asks for the permissions of other users', async () => {
    const review = (user: string): string =>
      JSON.stringify({
        ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
        spec: {
          user,
          groups: [],
          resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' },
        },
      });
    const allowed = ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}'];
    expect(await output(allowed, review('eve'))).toBe('false');
    expect(await output(['auth', 'can-i', '--list'])).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m);
    expect(await failure(['get', 'pods', '--as', 'eve'])).toBe(
      'Error from server (Forbidden): pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "default"\n',
    );
  });

  it.runIf(full)('reads raw paths', async () => {
    expect(await output(['get', '--raw', '/livez'])).toBe('ok');
    expect(await output(['get', '--raw', '/readyz?verbose'])).toBe(
      '[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n',
    );
    expect(await output(['get', '--raw', '/metrics'])).toMatch(/^apiserver_request_total\{/m);
    expect(await output(['get', '--raw', '/api/v1/nodes/node-1/proxy/healthz'])).toBe('ok');
    expect(JSON.parse(await output(['get', '--raw', '/openapi/v3']))).toMatchObject({
      paths: { 'api/v1': { serverRelativeURL: expect.any(String) } },
    });
  });

  it.runIf(full)('explains fields with both versions of OpenAPI', async () => {
    const field = 'pod.spec.containers.livenessProbe';
    expect(await output(['explain', field])).toMatch(/^FIELD: livenessProbe <Probe>$/m);
    expect(await output(['explain', field, '--output', 'plaintext-openapiv2'])).toMatch(
      /^RESOURCE: livenessProbe <Object>$/m,
    );
  });
});
