import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContainerRef } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { Pod } from '../kube/pod-objects.js';
import type { DoorContext } from './door-context.js';
import { serveLogs } from './http-logs.js';
import { answerNode } from './http-node.js';
import { type Answered, sendBody, sendJson, sendText } from './http-reply.js';
import { matchRoute, type Route } from './http-router.js';
import { runCommand } from './http-run.js';
import { answerUnrouted, plainError } from './http-unrouted.js';
import { planUpgrade } from './http-upgrade-plan.js';
import { type RequestSubject, traceRequest } from './request-trace.js';

/** The header with which Kubernetes ties the requests of one user action together. */
const auditHeader = 'audit-id';

export interface ParsedRequest {
  readonly route: Route;
  readonly pathname: string;
  /** The query, with its `?`. */
  readonly search: string;
}

/** Splits the target and finds its route. The query is kept as it came. */
export function parseRequest(
  { settings }: Pick<DoorContext, 'settings'>,
  request: IncomingMessage,
): ParsedRequest {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const pathname = mark < 0 ? target : target.slice(0, mark);
  return {
    route: matchRoute(request.method ?? 'GET', pathname, settings),
    pathname,
    search: mark < 0 ? '' : target.slice(mark),
  };
}

export function subjectOf(request: IncomingMessage, { route, pathname }: ParsedRequest): RequestSubject {
  const audit = request.headers[auditHeader];
  const { remoteAddress, remotePort } = request.socket;
  return {
    verb: verbOf(route),
    path: pathname,
    protocol: 'http',
    request: Array.isArray(audit) ? audit[0] : audit,
    peer: remoteAddress === undefined ? undefined : `${remoteAddress}:${remotePort ?? 0}`,
  };
}

function verbOf(route: Route): string {
  switch (route.kind) {
    case 'exec':
    case 'attach':
    case 'run':
      return route.kind;
    case 'containerLogs':
      return 'logs';
    case 'portForward':
      return 'portforward';
    case 'pods':
    case 'runningPods':
      return 'list';
    case 'checkpoint':
      return 'checkpoint';
    default:
      return 'get';
  }
}

function sendPods(context: DoorContext, route: Route, response: ServerResponse): Answered {
  const pods = context.runtime.listPods();
  const items = route.kind === 'runningPods' ? pods.flatMap(runningPod) : pods;
  // Go writes an empty list as null.
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: items.length === 0 ? null : items };
  sendJson(response, list);
  return { status: 200 };
}

/** A pod as a container runtime knows it: the names and images of running containers. */
function runningPod({ metadata: { name, namespace, uid }, status }: Pod): object[] {
  const all = [
    ...(status.initContainerStatuses ?? []),
    ...status.containerStatuses,
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const running = all.filter(({ state }) => 'running' in state);
  if (running.length === 0) return [];
  const containers = running.map((container) => ({
    name: container.name,
    image: container.image,
    resources: {},
  }));
  return [{ metadata: { name, namespace, uid, creationTimestamp: null }, spec: { containers }, status: {} }];
}

async function sendRun(
  context: DoorContext,
  request: { readonly ref: ContainerRef; readonly search: string },
  response: ServerResponse,
): Promise<Answered> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const command = new URLSearchParams(request.search).get('cmd') ?? '';
  const { status, body } = await runCommand(context, request.ref, command, gone.signal);
  // The kubelet labels any output of a command as JSON.
  sendBody(response, status, body, status < 400 ? { 'Content-Type': 'application/json' } : {});
  return status < 400 ? { status } : { status, error: body.toString('utf8', 0, 256) };
}

async function respond(
  context: DoorContext,
  request: IncomingMessage,
  response: ServerResponse,
  parsed: ParsedRequest,
): Promise<Answered> {
  const { route, search } = parsed;
  switch (route.kind) {
    case 'pods':
    case 'runningPods':
      return sendPods(context, route, response);
    case 'run':
      return sendRun(context, { ref: route.ref, search }, response);
    case 'containerLogs':
      return serveLogs(context, { ref: route.ref, search }, response);
    case 'exec':
    case 'attach':
    case 'portForward': {
      const plan = planUpgrade(context, route, search);
      if (plan.kind === 'refused') return sendText(response, plan);
      context.streamTokens.leave();
      return sendText(response, { status: 500, text: 'Upgrade request required\n', headers: plainError });
    }
    case 'disabled':
    case 'moved':
    case 'notFound':
    case 'unregistered':
    case 'malformed':
    case 'methodNotAllowed':
      return answerUnrouted(route, parsed, response);
    default:
      return answerNode(context, { route, search }, request, response);
  }
}

export function answerRequest(
  context: DoorContext,
  request: IncomingMessage,
  response: ServerResponse,
  parsed: ParsedRequest,
): void {
  const trace = traceRequest(context, subjectOf(request, parsed));
  respond(context, request, response, parsed)
    .then(({ status, error }) => {
      if (error === undefined) trace.finished({ status });
      else trace.failed(error, { status });
    })
    .catch((caught: unknown) => {
      trace.failed(caught, { status: 500 });
      if (response.headersSent) response.destroy();
      else sendText(response, { status: 500, text: TunnelError.from(caught).message });
    });
}
