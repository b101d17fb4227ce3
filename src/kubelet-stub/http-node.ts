import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContainerRef } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import { type MetricFamily, prometheusType, renderMetrics } from '../observe/exposition.js';
import { configz } from './config.js';
import type { DoorContext } from './door-context.js';
import { serveNodeLogs } from './http-node-logs.js';
import { type Answered, type Refusal, sendBody, sendJson, sendText } from './http-reply.js';
import type { Route } from './http-router.js';
import { plainError } from './http-unrouted.js';
import { cadvisorMetrics } from './metrics/cadvisor-metrics.js';
import { kubeletMetrics, probeMetrics } from './metrics/kubelet-metrics.js';
import { resourceMetrics } from './metrics/resource-metrics.js';
import { summaryOf } from './metrics/summary.js';

type NodeKind = 'metrics' | 'summary' | 'configz' | 'healthz' | 'nodeLogs' | 'checkpoint';
export type NodeRoute = Extract<Route, { readonly kind: NodeKind }>;

export async function answerNode(
  context: DoorContext,
  { route, search }: { readonly route: NodeRoute; readonly search: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answered> {
  switch (route.kind) {
    case 'healthz':
      return context.health.answer(route.check, search, response);
    case 'metrics': {
      if (route.of === 'slis' && request.method === 'DELETE') return resetSlis(context, response);
      const body = Buffer.from(renderMetrics(await familiesOf(context, route.of)));
      sendBody(response, 200, body, { 'Content-Type': prometheusType });
      return { status: 200 };
    }
    case 'summary': {
      // A parameter that is given twice is ignored.
      const wanted = new URLSearchParams(search).getAll('only_cpu_and_memory');
      const onlyCpuAndMemory = wanted.length === 1 && wanted[0] === 'true';
      const { nodeName, startedAtMs: nodeStartMs, meter } = context;
      sendJson(response, summaryOf(await meter.measure(), { nodeName, nodeStartMs, onlyCpuAndMemory }));
      return { status: 200 };
    }
    case 'configz':
      sendJson(response, configz(context.settings, context.address()));
      return { status: 200 };
    case 'nodeLogs':
      return serveNodeLogs(context, route.path, request, response);
    case 'checkpoint':
      return sendText(response, refuseCheckpoint(context, route.ref, search));
  }
}

function resetSlis({ health }: DoorContext, response: ServerResponse): Answered {
  health.reset();
  return sendText(response, { status: 200, text: 'metrics reset\n', headers: plainError });
}

async function familiesOf(
  { meter, counters, health, runtime, nodeName, startedAtMs }: DoorContext,
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
      return probeMetrics(startedAtMs);
    case 'slis':
      return health.families();
  }
}

/** Neither runtime can checkpoint. This is the answer of a kubelet whose container runtime cannot either. */
function refuseCheckpoint({ runtime }: DoorContext, ref: ContainerRef, search: string): Refusal {
  const { namespace, pod, container } = ref;
  try {
    runtime.checkContainer(ref);
  } catch (caught) {
    const found = TunnelError.from(caught).code === 'CONTAINER_NOT_FOUND';
    return { status: 404, text: found ? `container ${container} does not exist` : 'pod does not exist' };
  }
  const timeout = new URLSearchParams(search).getAll('timeout').at(-1);
  if (timeout !== undefined && !/^[+-]?\d{1,18}$/.test(timeout))
    return { status: 404, text: 'cannot parse value of timeout parameter' };
  const cause =
    'rpc error: code = Unimplemented desc = unknown method CheckpointContainer for service runtime.v1.RuntimeService';
  return { status: 500, text: `checkpointing of ${namespace}/${pod}/${container} failed (${cause})` };
}
