import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { cadvisorMetrics } from '../../../src/kubelet-stub/metrics/cadvisor-metrics.js';
import { HttpCounters } from '../../../src/kubelet-stub/metrics/http-counters.js';
import { kubeletMetrics } from '../../../src/kubelet-stub/metrics/kubelet-metrics.js';
import type { Measurement } from '../../../src/kubelet-stub/metrics/node-usage.js';
import { resourceMetrics } from '../../../src/kubelet-stub/metrics/resource-metrics.js';
import { renderMetrics } from '../../../src/observe/exposition.js';
import { pod } from './scripted-runtime.js';

const timeMs = 1_772_359_200_123;
const measurement: Measurement = {
  timeMs,
  pods: [
    {
      namespace: 'default',
      name: 'web-0',
      uid: 'u-1',
      containers: [
        {
          ...{ name: 'app', image: 'nginx:1', id: 'abc', namespace: 'default', pod: 'web-0', podUid: 'u-1' },
          ...{ startedAtMs: 1_772_359_100_250, restartCount: 0, cpuSeconds: 1.5, cpuRate: 0.1 },
          ...{ memoryBytes: 1_048_576, processes: 2, threads: 3 },
          files: { usedBytes: 4096, entries: 2 },
          log: { usedBytes: 100, writtenBytes: 100 },
        },
      ],
    },
  ],
};

const place = 'container="app",namespace="default",pod="web-0"';

describe('the metrics of a kubelet, to the letter of the real ones', () => {
  it('/metrics/resource', () => {
    expect(renderMetrics(resourceMetrics(measurement))).toBe(
      `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{${place}} 1.5 ${timeMs}
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{${place}} 1.048576e+06 ${timeMs}
# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{${place}} 1.77235910025e+09
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 1.5 ${timeMs}
# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 1.048576e+06 ${timeMs}
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="default",pod="web-0"} 1.5 ${timeMs}
# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="default",pod="web-0"} 1.048576e+06 ${timeMs}
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`,
    );
  });

  it('/metrics/cadvisor', () => {
    const own = (extra = ''): string =>
      `{container="app",${extra}id="/kubepods/podu-1/abc",image="nginx:1",name="abc",namespace="default",pod="web-0"}`;
    const text = renderMetrics(cadvisorMetrics(measurement));
    const [containers, machine] = text.split('# HELP machine_cpu_cores');
    expect(containers).toBe(
      `# HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total${own('cpu="total",')} 1.5 ${timeMs}
# HELP container_creation_time_seconds Container creation time since unix epoch in seconds.
# TYPE container_creation_time_seconds gauge
container_creation_time_seconds${own()} 1.7723591e+09
# HELP container_fs_usage_bytes Number of bytes that are consumed by the container on this filesystem.
# TYPE container_fs_usage_bytes gauge
container_fs_usage_bytes${own('device="rootfs",')} 4096 ${timeMs}
# HELP container_last_seen Last time a container was seen by the exporter
# TYPE container_last_seen gauge
container_last_seen${own()} 1.7723592e+09 ${timeMs}
# HELP container_memory_usage_bytes Current memory usage in bytes, including all memory regardless of when it was accessed
# TYPE container_memory_usage_bytes gauge
container_memory_usage_bytes${own()} 1.048576e+06 ${timeMs}
# HELP container_memory_working_set_bytes Current working set in bytes.
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes${own()} 1.048576e+06 ${timeMs}
# HELP container_processes Number of processes running inside the container.
# TYPE container_processes gauge
container_processes${own()} 2 ${timeMs}
# HELP container_scrape_error 1 if there was an error while getting container metrics, 0 otherwise
# TYPE container_scrape_error gauge
container_scrape_error 0
# HELP container_start_time_seconds Start time of the container since unix epoch in seconds.
# TYPE container_start_time_seconds gauge
container_start_time_seconds${own()} 1.7723591e+09
# HELP container_threads Number of threads running inside the container
# TYPE container_threads gauge
container_threads${own()} 3 ${timeMs}
`,
    );
    expect(machine).toMatch(
      /^ Number of logical CPU cores\.\n# TYPE machine_cpu_cores gauge\nmachine_cpu_cores\{boot_id="",machine_id="",system_uuid=""\} \d+ \d+\n# HELP machine_memory_bytes Amount of memory installed on the machine\.\n# TYPE machine_memory_bytes gauge\nmachine_memory_bytes\{boot_id="",machine_id="",system_uuid=""\} \d\.\d+e\+\d\d \d+\n# HELP machine_scrape_error 1 if there was an error while getting machine metrics, 0 otherwise\.\n# TYPE machine_scrape_error gauge\nmachine_scrape_error 0\n$/,
    );
  });

  it('/metrics, of pods and of the process', () => {
    const ephemeralContainers = [{ name: 'debugger', image: 'busybox' }];
    const debugged = { ...pod, spec: { ...pod.spec, ephemeralContainers } };
    const text = renderMetrics(
      kubeletMetrics({ nodeName: 'node-1', pods: [debugged], startedAtMs: 1_772_359_000_000 }),
    );
    const ofKubelet = text.slice(0, text.indexOf('# HELP process_cpu'));
    expect(ofKubelet).toBe(
      `# HELP kubelet_active_pods [ALPHA] The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.
# TYPE kubelet_active_pods gauge
kubelet_active_pods{static=""} 1
kubelet_active_pods{static="true"} 0
# HELP kubelet_desired_pods [ALPHA] The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.
# TYPE kubelet_desired_pods gauge
kubelet_desired_pods{static=""} 1
kubelet_desired_pods{static="true"} 0
# HELP kubelet_managed_ephemeral_containers [ALPHA] Current number of ephemeral containers in pods managed by this kubelet.
# TYPE kubelet_managed_ephemeral_containers gauge
kubelet_managed_ephemeral_containers 1
# HELP kubelet_mirror_pods [ALPHA] The number of mirror pods the kubelet will try to create (one per admitted static pod)
# TYPE kubelet_mirror_pods gauge
kubelet_mirror_pods 0
# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.
# TYPE kubelet_node_name gauge
kubelet_node_name{node="node-1"} 1
# HELP kubelet_running_containers [ALPHA] Number of containers currently running
# TYPE kubelet_running_containers gauge
kubelet_running_containers{container_state="created"} 0
kubelet_running_containers{container_state="exited"} 0
kubelet_running_containers{container_state="running"} 2
# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox
# TYPE kubelet_running_pods gauge
kubelet_running_pods 1
`,
    );
    for (const line of [
      '# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n# TYPE process_cpu_seconds_total counter\n',
      '# HELP process_resident_memory_bytes Resident memory size in bytes.\n# TYPE process_resident_memory_bytes gauge\n',
      '# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.772359e+09\n',
    ])
      expect(text).toContain(line);
  });

  it('/metrics, of requests', () => {
    const clock = new ManualClock();
    const counters = new HttpCounters(clock);
    const done = counters.begin('GET', '/containerLogs/default/web-0/app');
    clock.advance(30);
    done();
    const labels = 'long_running="false",method="GET",path="containerLogs",server_type="readwrite"';
    const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'];
    const buckets = bounds.map((bound, index) => {
      return `kubelet_http_requests_duration_seconds_bucket{${labels},le="${bound}"} ${index < 3 ? 0 : 1}\n`;
    });
    expect(renderMetrics(counters.families())).toBe(
      `# HELP kubelet_http_inflight_requests [ALPHA] Number of the inflight http requests
# TYPE kubelet_http_inflight_requests gauge
kubelet_http_inflight_requests{${labels}} 0
# HELP kubelet_http_requests_duration_seconds [ALPHA] Duration in seconds to serve http requests
# TYPE kubelet_http_requests_duration_seconds histogram
${buckets.join('')}kubelet_http_requests_duration_seconds_sum{${labels}} 0.03
kubelet_http_requests_duration_seconds_count{${labels}} 1
# HELP kubelet_http_requests_total [ALPHA] Number of the http requests received since the server started
# TYPE kubelet_http_requests_total counter
kubelet_http_requests_total{${labels}} 1
`,
    );
  });

  it.each([
    ['/exec/a/b/c', 'POST', { path: 'exec', long_running: 'true' }],
    ['/attach/a/b/c', 'GET', { path: 'attach', long_running: 'true' }],
    // The kubelet looks for `portforward` when it tells long requests, and calls the path `portForward`.
    ['/portForward/a/b', 'POST', { path: 'portForward', long_running: 'false' }],
    ['/debug/pprof/heap', 'GET', { path: 'debug', long_running: 'true' }],
    ['/metrics/cadvisor', 'GET', { path: 'metrics/cadvisor' }],
    ['/metrics/slis', 'GET', { path: 'other' }],
    ['/no-such-path', 'GET', { path: 'other' }],
    ['/pods', 'PATCH', { path: 'pods', method: 'other' }],
  ])('counts a request for %s, method %s, as %j', (path, method, labels) => {
    const counters = new HttpCounters(new ManualClock());
    counters.begin(method, path);
    const [total] = counters.families();
    const expected = { long_running: 'false', method, server_type: 'readwrite', ...labels };
    expect(total?.samples).toEqual([{ labels: expected, value: 1 }]);
  });
});

it('escapes backslashes and line ends of a help text', () => {
  const family = { name: 'a', type: 'gauge', help: 'a\\b\nc', samples: [{ value: 1 }] } as const;
  expect(renderMetrics([family])).toBe('# HELP a a\\\\b\\nc\n# TYPE a gauge\na 1\n');
});
