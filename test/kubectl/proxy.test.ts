import { get } from 'node:http';
import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { soon } from '../support/waits.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

// Pod addresses belong to no single agent: any agent reaches them.
const cluster = useCluster({ strategies: ['destHost', 'default'], nodes: 1 });

describeEachKubectl('proxies to pods, services and nodes', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const full = isOldestOrNewest(binary);
  const raw = (path: string): ReturnType<ReturnType<typeof kubectl>['run']> =>
    kubectl().run(['get', '--raw', path]);

  it.runIf(full)('show what a pod serves', async () => {
    const { code, stdout } = await raw('/api/v1/namespaces/default/pods/web-1/proxy/some/path');
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('pod: web-1\n');
    expect(stdout).toContain('path: /some/path\n');
  });

  it.runIf(full)('show what a service serves, and report a port that it does not have', async () => {
    const shown = await raw('/api/v1/namespaces/default/services/web:http/proxy/');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('pod: web-1\n');
    const { code, stderr } = await raw('/api/v1/namespaces/default/services/web:81/proxy/');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error from server (ServiceUnavailable): no service port 81 found for service "web"\n',
    });
  });

  it.runIf(full)('show what a kubelet serves', async () => {
    const { stdout } = await raw('/api/v1/nodes/node-1/proxy/healthz');
    expect(stdout).toBe('ok');
  });

  it.runIf(full)('report that a port of a pod refuses', async () => {
    const { code, stderr } = await raw('/api/v1/namespaces/default/pods/web-1:81/proxy/');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Error from server \(ServiceUnavailable\): error trying to reach service: dial tcp 10\.244\.1\.10:81: connect: connection refused\n$/,
    );
  });

  it.runIf(full)('work for browsers through kubectl proxy', async () => {
    const proxy = kubectl().start(['proxy', '--port=0']);
    const [, port = ''] = await proxy.waitFor(/Starting to serve on 127\.0\.0\.1:(\d+)/);
    const url = `http://127.0.0.1:${port}/api/v1/namespaces/default/pods/web-1/proxy/page?a=b`;
    const text = await soon<string>((resolve, reject) => {
      get(url, { agent: false }, (response) => {
        void response.toArray().then((chunks) => resolve(chunks.join('')), reject);
      }).on('error', reject);
    }, `answer of ${url}`);
    expect(text).toContain('path: /page?a=b\n');
    await proxy.stop();
  });
});
