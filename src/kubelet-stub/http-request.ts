import type { IncomingMessage, ServerResponse } from 'node:http';
import { TunnelError } from '../core/errors.js';
import type { DoorContext } from './door.js';
import { serveLogs } from './http-logs.js';
import { answerNode } from './http-node.js';
import { type Answered, sendBody, sendJson, sendText } from './http-reply.js';
import { matchRoute, type Route } from './http-router.js';
import { runCommand } from './http-run.js';
import { planUpgrade } from './http-upgrade-plan.js';
import { type RequestSubject, traceRequest } from './request-trace.js';
import type { ContainerRef } from './runtime/runtime.js';

/** The header by which Kubernetes ties the requests of one user action together. */
const auditHeader = 'audit-id';

export interface ParsedRequest {
  readonly route: Route;
  readonly pathname: string;
  /** The query, with its `?`. */
  readonly search: string;
}

/** Splits the target and finds its route; the query stays as it came. */
export function parseRequest(request: IncomingMessage): ParsedRequest {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const pathname = mark < 0 ? target : target.slice(0, mark);
  return {
    route: matchRoute(request.method ?? 'GET', pathname),
    pathname,
    search: mark < 0 ? '' : target.slice(mark),
  };
}

/** What events say of an HTTP request. */
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
    case 'healthz':
    case 'metrics':
    case 'summary':
    case 'configz':
    case 'nodeLogs':
    case 'disabled':
    case 'notFound':
    case 'methodNotAllowed':
      return 'get';
  }
}

function sendPods(context: DoorContext, route: Route, response: ServerResponse): Answered {
  const pods = context.runtime.listPods();
  const items = route.kind === 'runningPods' ? pods.filter((pod) => pod.status.phase === 'Running') : pods;
  sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
  return { status: 200 };
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
  sendBody(response, status, body);
  return status < 400 ? { status } : { status, error: body.toString('utf8', 0, 256) };
}

const debugging = new Set([
  'exec',
  'attach',
  'portForward',
  'run',
  'containerLogs',
  'runningPods',
  'disabled',
  'nodeLogs',
]);

/** The text of a 405 when the configuration has turned a path off. */
export function disabledText({ settings }: DoorContext, { kind }: Route): string | undefined {
  if (!settings.enableDebuggingHandlers && debugging.has(kind)) return 'Debug endpoints are disabled.';
  if (!settings.enableSystemLogHandler && kind === 'nodeLogs') return 'logs endpoint is disabled.';
  return undefined;
}

/** Answers everything that is not an upgrade. */
async function respond(
  context: DoorContext,
  parsed: ParsedRequest,
  response: ServerResponse,
): Promise<Answered> {
  const { route, pathname, search } = parsed;
  const disabled = disabledText(context, route);
  if (disabled !== undefined) return sendText(response, { status: 405, text: disabled });
  switch (route.kind) {
    case 'healthz':
      return sendText(response, { status: 200, text: 'ok' });
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
      return sendText(response, { status: 500, text: 'Upgrade request required' });
    }
    case 'metrics':
    case 'summary':
    case 'configz':
    case 'nodeLogs':
    case 'checkpoint':
      return answerNode(context, { route, pathname, search }, response);
    case 'disabled':
      return sendText(response, { status: 405, text: route.text });
    case 'notFound':
      return sendText(response, { status: 404, text: '404: Page Not Found' });
    case 'methodNotAllowed': {
      const headers = { Allow: route.allow };
      return sendText(response, { status: 405, text: '405: Method Not Allowed', headers });
    }
  }
}

/** Answers a request that asks for no upgrade. */
export function answerRequest(
  context: DoorContext,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const parsed = parseRequest(request);
  const trace = traceRequest(context, subjectOf(request, parsed));
  respond(context, parsed, response)
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
