import type { ServerResponse } from 'node:http';
import { TunnelError } from '../core/errors.js';
import { configz } from './config.js';
import type { DoorContext } from './door.js';
import { type Answered, sendBody, sendJson, sendText } from './http-reply.js';
import type { Route } from './http-router.js';
import { cadvisorMetrics } from './metrics/cadvisor-metrics.js';
import { kubeletMetrics } from './metrics/kubelet-metrics.js';
import { type MetricFamily, prometheusType, renderMetrics } from './metrics/prometheus-text.js';
import { resourceMetrics } from './metrics/resource-metrics.js';
import { summaryOf } from './metrics/summary.js';
import { serveNodeLogs } from './node-logs/serve-node-logs.js';
import type { ContainerRef } from './runtime/runtime.js';

type NodeKind = 'metrics' | 'summary' | 'configz' | 'nodeLogs' | 'checkpoint';
export type NodeRoute = Extract<Route, { readonly kind: NodeKind }>;

/** Answers what is about the node as a whole. */
export async function answerNode(
  context: DoorContext,
  {
    route,
    pathname,
    search,
  }: { readonly route: NodeRoute; readonly pathname: string; readonly search: string },
  response: ServerResponse,
): Promise<Answered> {
  switch (route.kind) {
    case 'metrics': {
      const body = Buffer.from(renderMetrics(await familiesOf(context, route.of)));
      sendBody(response, 200, body, { 'Content-Type': prometheusType });
      return { status: 200 };
    }
    case 'summary': {
      const onlyCpuAndMemory = new URLSearchParams(search).get('only_cpu_and_memory') === 'true';
      const { nodeName, startedAtMs: nodeStartMs, meter } = context;
      sendJson(response, summaryOf(await meter.measure(), { nodeName, nodeStartMs, onlyCpuAndMemory }));
      return { status: 200 };
    }
    case 'configz':
      sendJson(response, configz(context.settings, context.address()));
      return { status: 200 };
    case 'nodeLogs':
      return serveNodeLogs(context, pathname, response);
    case 'checkpoint':
      return sendText(response, refuseCheckpoint(context, route.ref));
  }
}

async function familiesOf(
  { meter, counters, runtime, nodeName, startedAtMs }: DoorContext,
  of: Extract<Route, { kind: 'metrics' }>['of'],
): Promise<readonly MetricFamily[]> {
  switch (of) {
    case 'resource':
      return resourceMetrics(await meter.measure());
    case 'cadvisor':
      return cadvisorMetrics(await meter.measure());
    case 'kubelet':
      return [...kubeletMetrics({ nodeName, pods: runtime.listPods(), startedAtMs }), ...counters.families()];
    case 'probes':
      // No container is probed here.
      return [];
    case 'slis':
      return [healthFamily()];
  }
}

function healthFamily(): MetricFamily {
  const checks = ['ping', 'log', 'syncloop'];
  return {
    name: 'kubernetes_healthcheck',
    type: 'gauge',
    help: '[STABLE] This metric records the result of a single healthcheck.',
    samples: checks.map((name) => ({ labels: { name, type: 'healthz' }, value: 1 })),
  };
}

/** Neither runtime can checkpoint: the answer is that of a kubelet whose container runtime cannot. */
function refuseCheckpoint({ runtime }: DoorContext, ref: ContainerRef): { status: number; text: string } {
  const { namespace, pod, container } = ref;
  try {
    runtime.checkContainer(ref);
  } catch (caught) {
    const found = TunnelError.from(caught).code === 'CONTAINER_NOT_FOUND';
    return { status: 404, text: found ? `container ${container} does not exist` : 'pod does not exist' };
  }
  const cause =
    'rpc error: code = Unimplemented desc = unknown method CheckpointContainer for service runtime.v1.RuntimeService';
  return { status: 500, text: `checkpointing of ${namespace}/${pod}/${container} failed (${cause})` };
}
