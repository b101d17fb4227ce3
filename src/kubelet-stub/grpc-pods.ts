import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { TunnelError } from '../core/errors.js';
import type { ContainerStatus, Pod } from '../kube/pod-objects.js';
import type { ContainerSummary } from '../wire/gen/konnsim/kubelet/v1/ContainerSummary.js';
import type { ListPodsRequest__Output } from '../wire/gen/konnsim/kubelet/v1/ListPodsRequest.js';
import type { ListPodsResponse } from '../wire/gen/konnsim/kubelet/v1/ListPodsResponse.js';
import type { PodSummary } from '../wire/gen/konnsim/kubelet/v1/PodSummary.js';
import { statusFromError } from '../wire/net/grpc-status.js';
import type { DoorContext } from './door-context.js';
import { subjectOf } from './grpc-call.js';
import { traceRequest } from './request-trace.js';

function stateOf({ state }: ContainerStatus): string {
  if ('running' in state) return 'running';
  return 'terminated' in state ? 'terminated' : 'waiting';
}

function containerSummary(status: ContainerStatus): ContainerSummary {
  const { name, image, ready, restartCount } = status;
  return { name, image, ready, restartCount, state: stateOf(status) };
}

function podSummary({ metadata, spec, status }: Pod): PodSummary {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName,
    phase: status.phase,
    podIp: status.podIP,
    startTime: status.startTime,
    containers: status.containerStatuses.map(containerSummary),
  };
}

type ListPodsCall = ServerUnaryCall<ListPodsRequest__Output, ListPodsResponse>;

export function listPodsHandler(
  context: DoorContext,
): (call: ListPodsCall, done: sendUnaryData<ListPodsResponse>) => void {
  return (call, done) => {
    const trace = traceRequest(context, subjectOf(call, 'list', '/pods'));
    try {
      const pods = context.runtime.listPods().map(podSummary);
      trace.finished();
      done(null, { pods });
    } catch (caught) {
      trace.failed(caught);
      done(statusFromError(TunnelError.from(caught, 'INTERNAL', context.node)));
    }
  };
}
