import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import type { KubeletConfig } from '../../../src/kubelet-stub/config.js';
import { each } from '../../support/waits.js';
import { type Bench, clock, issueCertificates, never, startBench, type TestPki, TextSink } from './bench.js';
import { type Answer, ask, upgrade } from './http-client.js';
import { podOf, startProcesses } from './process-support.js';
import { pod as template } from './scripted-runtime.js';

const pod: Pod = {
  ...template,
  spec: {
    nodeName: 'node-1',
    containers: [{ name: 'app', image: 'konnsim/echo:1', ports: [{ containerPort: 7 }] }],
  },
};
const app = { namespace: 'default', pod: 'web-0', container: 'app' };

let pki: TestPki;
beforeAll(async () => {
  pki = await issueCertificates();
});

const samplesOf = (answer: Answer): Map<string, number> =>
  new Map(
    answer.text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name = '', value] = /^(\S+?(?:\{.*\})?) (\S+)(?: \d+)?$/.exec(line) ?? [];
        return [name, Number(value)];
      }),
  );

describe('what a kubelet reports about its node', () => {
  let bench: Bench;
  const start = (config: KubeletConfig = {}): Promise<Bench> => {
    const runtime = createSandboxRuntime({
      nodeName: 'node-1',
      pods: [pod],
      clock,
      random: createRandom(1),
      emit: ignoreEvents,
    });
    return startBench(pki, runtime, config);
  };
  beforeAll(async () => {
    bench = await start();
  });
  afterAll(() => bench.close());
  const get = (path: string, method = 'GET'): Promise<Answer> =>
    ask(bench.kubelet, pki.client, path, { method });

  it('measures the files and the log of a container in the sandbox, and reports no processor time', async () => {
    const before = JSON.parse((await get('/stats/summary')).text);
    expect(before.pods[0].containers[0].rootfs.usedBytes).toBe(0);
    const stdout = new TextSink();
    const command = ['sh', '-c', 'head -c 100000 /dev/zero > /tmp/file'];
    await bench.client.exec({ ...app, command, tty: false }, { stdout, signal: never });
    const { node, pods } = JSON.parse((await get('/stats/summary')).text);
    const [container] = pods[0].containers;
    expect(container.rootfs.usedBytes).toBeGreaterThan(100_000);
    expect(container.rootfs.usedBytes).toBeLessThan(120_000);
    expect(container.logs.usedBytes).toBe('echoing on :7\n'.length);
    expect(container.memory.workingSetBytes).toBe(container.rootfs.usedBytes + container.logs.usedBytes);
    expect(container).not.toHaveProperty('cpu');
    expect(node).toMatchObject({
      nodeName: 'node-1',
      memory: { workingSetBytes: container.memory.workingSetBytes },
    });
    expect(pods[0]).toMatchObject({
      podRef: { name: 'web-0', namespace: 'default', uid: 'u-1' },
      process_stats: { process_count: 1 },
      'ephemeral-storage': { usedBytes: container.memory.workingSetBytes },
    });
    const short = JSON.parse((await get('/stats/summary?only_cpu_and_memory=true')).text);
    expect(Object.keys(short.pods[0].containers[0]).sort()).toEqual(['memory', 'name', 'startTime']);
  });

  it('reports the same under /metrics/resource and /metrics/cadvisor, with the real metric names', async () => {
    const resource = await get('/metrics/resource');
    expect(resource.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(resource.text).toContain('# TYPE container_memory_working_set_bytes gauge\n');
    const labels = 'container="app",namespace="default",pod="web-0"';
    const values = samplesOf(resource);
    const used = values.get(`container_memory_working_set_bytes{${labels}}`);
    expect(used).toBeGreaterThan(0);
    expect(values.get('pod_memory_working_set_bytes{namespace="default",pod="web-0"}')).toBe(used);
    expect(values.get('node_memory_working_set_bytes')).toBe(used);
    expect(values.get('resource_scrape_error')).toBe(0);
    expect(values.get(`container_start_time_seconds{${labels}}`)).toBeGreaterThan(1.7e9);
    expect(resource.text).not.toContain('cpu_usage');
    const cadvisor = samplesOf(await get('/metrics/cadvisor'));
    const [processes] = [...cadvisor].filter(([name]) => name.startsWith('container_processes{'));
    expect(processes?.[0]).toMatch(
      /container="app",id="\/kubepods\/podu-1\/[0-9a-f]{64}",image="konnsim\/echo:1"/,
    );
    expect(processes?.[1]).toBe(1);
    const machine = 'boot_id="",machine_id="",system_uuid=""';
    expect(cadvisor.get(`machine_cpu_cores{${machine}}`)).toBeGreaterThan(0);
  });

  it('counts its own requests under /metrics', async () => {
    await get('/healthz');
    const labels = 'long_running="false",method="GET",path="healthz",server_type="readwrite"';
    const before = samplesOf(await get('/metrics')).get(`kubelet_http_requests_total{${labels}}`) ?? 0;
    await get('/healthz');
    await get('/no-such-path');
    const values = samplesOf(await get('/metrics'));
    expect(values.get(`kubelet_http_requests_total{${labels}}`)).toBe(before + 1);
    expect(values.get(`kubelet_http_requests_duration_seconds_count{${labels}}`)).toBe(before + 1);
    expect(values.get(`kubelet_http_requests_duration_seconds_bucket{${labels},le="+Inf"}`)).toBe(before + 1);
    const own = 'long_running="false",method="GET",path="metrics",server_type="readwrite"';
    expect(values.get(`kubelet_http_inflight_requests{${own}}`)).toBe(1);
    expect(values.get('kubelet_running_containers{container_state="running"}')).toBe(1);
    expect([values.get('kubelet_running_pods'), values.get('kubelet_node_name{node="node-1"}')]).toEqual([
      1, 1,
    ]);
    expect([...values.keys()].join()).not.toContain('no-such-path');
  });

  it('has no probes to report', async () => {
    expect((await get('/metrics/probes')).text).toMatch(
      /^# HELP process_start_time_seconds \[ALPHA\] Start time of the process since unix epoch in seconds\.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1\.\d+e\+09\n$/,
    );
  });

  it('counts under /metrics/slis the health checks that were made, until it is reset', async () => {
    const own = await start();
    const slis = async (method = 'GET'): Promise<string> =>
      (await ask(own.kubelet, pki.client, '/metrics/slis', { method })).text;
    expect(await slis()).toBe('');
    await ask(own.kubelet, pki.client, '/healthz');
    await ask(own.kubelet, pki.client, '/healthz?exclude=log&exclude=syncloop');
    await ask(own.kubelet, pki.client, '/healthz/ping');
    expect(await slis()).toBe(
      [
        '# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.',
        '# TYPE kubernetes_healthcheck gauge',
        'kubernetes_healthcheck{name="ping",type="healthz"} 1',
        'kubernetes_healthcheck{name="log",type="healthz"} 1',
        'kubernetes_healthcheck{name="syncloop",type="healthz"} 1',
        '# HELP kubernetes_healthchecks_total [STABLE] This metric records the results of all healthcheck.',
        '# TYPE kubernetes_healthchecks_total counter',
        'kubernetes_healthchecks_total{name="ping",status="success",type="healthz"} 2',
        'kubernetes_healthchecks_total{name="log",status="success",type="healthz"} 1',
        'kubernetes_healthchecks_total{name="syncloop",status="success",type="healthz"} 1',
        '',
      ].join('\n'),
    );
    expect(await slis('DELETE')).toBe('metrics reset\n');
    expect(await slis()).toBe('');
    await own.close();
  });

  it('shows the configuration in force', async () => {
    const { kubeletconfig } = JSON.parse((await get('/configz')).text);
    expect(kubeletconfig).toMatchObject({
      kind: 'KubeletConfiguration',
      port: bench.kubelet.address.port,
      authentication: { anonymous: { enabled: false }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      streamingConnectionIdleTimeout: '4h0m0s',
    });
  });

  it('serves the log files of its containers as a folder of the node', async () => {
    const root = await get('/logs/');
    expect(root.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(root.text).toContain('<a href="containers/">containers/</a>\n<a href="pods/">pods/</a>\n');
    expect((await get('/logs/pods/default_web-0_u-1')).headers.location).toBe('default_web-0_u-1/');
    const folder = await get('/logs/pods/default_web-0_u-1/app/');
    const [, name] = /<a href="(\d+\.log)">/.exec(folder.text) ?? [];
    const log = await get(`/logs/pods/default_web-0_u-1/app/${name}`);
    expect(log.text).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z stdout F echoing on :7\n$/);
    const [, link] =
      /<a href="(web-0_default_app-[0-9a-f]{64}\.log)">/.exec((await get('/logs/containers/')).text) ?? [];
    expect((await get(`/logs/containers/${link}`)).text).toBe(log.text);
    expect(await get('/logs/none')).toMatchObject({ status: 404, text: '404 page not found\n' });
  });

  it('answers unsupported features like a kubelet that has them turned off', async () => {
    const cases = [
      ['/debug/pprof/', 'GET', 405, 'profiling endpoint is disabled.\n'],
      ['/debug/pprof/heap', 'GET', 405, 'profiling endpoint is disabled.\n'],
      ['/debug/flags/v', 'PUT', 405, 'flags endpoint is disabled.\n'],
      ['/checkpoint/default/web-0/none', 'POST', 404, 'container none does not exist'],
      ['/checkpoint/default/none/app', 'POST', 404, 'pod does not exist'],
      ['/checkpoint/default/web-0/app?timeout=1s', 'POST', 404, 'cannot parse value of timeout parameter'],
    ] as const;
    for (const [path, method, status, text] of cases) {
      expect(await get(path, method), path).toMatchObject({ status, text });
    }
    expect((await get('/checkpoint/default/web-0/app', 'POST')).text).toContain('code = Unimplemented');
  });

  it('refuses debugging and log paths when they are turned off', async () => {
    const off = await start({ enableDebuggingHandlers: false });
    const text = 'Debug endpoints are disabled.\n';
    const paths = [
      '/containerLogs/default/web-0/app',
      '/runningpods/',
      '/logs/',
      '/debug/pprof/',
      '/exec/default/web-0/app?output=1',
      '/exec/anything',
    ];
    for (const path of paths)
      expect(await ask(off.kubelet, pki.client, path), path).toMatchObject({ status: 405, text });
    for (const path of ['/pods', '/healthz', '/metrics', '/stats/summary'])
      expect((await ask(off.kubelet, pki.client, path)).status, path).toBe(200);
    for (const path of ['/configz', '/checkpoint/default/web-0/app', '/debug/flags/v'])
      expect((await ask(off.kubelet, pki.client, path)).text, path).toBe('404 page not found\n');
    const refused = await upgrade(
      off.kubelet,
      pki.client,
      '/exec/default/web-0/app?output=1',
      'v4.channel.k8s.io',
    );
    expect(refused).toMatchObject({ kind: 'refused', status: 405 });
    await off.close();
    const noLogs = await start({ enableSystemLogHandler: false });
    expect(await ask(noLogs.kubelet, pki.client, '/logs/')).toMatchObject({
      status: 405,
      text: 'logs endpoint is disabled.\n',
    });
    await noLogs.close();
  });
});

describe('a node of processes', () => {
  it('reports the processor time and memory that the host measured', async () => {
    const script = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 1000';
    const bench = await startBench(pki, await startProcesses(podOf({ command: ['sh', '-c', script] })));
    const labels = 'container="main",namespace="default",pod="web-0"';
    const values = async (): Promise<Map<string, number>> =>
      samplesOf(await ask(bench.kubelet, pki.client, '/metrics/resource'));
    await expect
      .poll(async () => (await values()).get(`container_cpu_usage_seconds_total{${labels}}`))
      .toBeGreaterThan(0.02);
    const measured = await values();
    expect(measured.get(`container_memory_working_set_bytes{${labels}}`)).toBeGreaterThan(100_000);
    expect(measured.get('node_cpu_usage_seconds_total')).toBe(
      measured.get(`container_cpu_usage_seconds_total{${labels}}`),
    );
    const { pods } = JSON.parse((await ask(bench.kubelet, pki.client, '/stats/summary')).text);
    expect(pods[0].containers[0].cpu.usageCoreNanoSeconds).toBeGreaterThan(2e7);
    await bench.close();
  });

  it('answers through the gRPC door what it answers through the HTTP one', async () => {
    const bench = await startBench(
      pki,
      await startProcesses(podOf({ command: ['sh', '-c', 'echo up; sleep 1000'] })),
    );
    const main = { namespace: 'default', pod: 'web-0', container: 'main' };
    const stdout = new TextSink();
    const command = ['sh', '-c', 'echo $HOSTNAME; exit 6'];
    const result = await bench.client.exec({ ...main, command, tty: false }, { stdout, signal: never });
    expect([result, stdout.text]).toEqual([{ kind: 'exit', code: 6 }, 'web-0\n']);
    const overHttp = async (): Promise<string> =>
      (await ask(bench.kubelet, pki.client, '/containerLogs/default/web-0/main')).text;
    await expect.poll(overHttp).toBe('up\n');
    let overGrpc = '';
    const logs = { ...main, follow: false, previous: false, timestamps: false };
    for await (const chunk of each(bench.client.logs(logs), 'part of the log'))
      overGrpc += Buffer.from(chunk).toString();
    expect(overGrpc).toBe('up\n');
    expect(await bench.client.listPods()).toMatchObject([{ name: 'web-0', phase: 'Running' }]);
    const ran = await ask(bench.kubelet, pki.client, '/run/default/web-0/main?cmd=echo%20hi', {
      method: 'POST',
    });
    expect(ran).toMatchObject({ status: 200, text: 'hi\n' });
    await bench.close();
  });
});
