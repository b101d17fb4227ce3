import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.js';
import type { Upgrade } from '../streams/types.js';
import { refuseUpgrade } from '../streams/upgrade-response.js';
import { attributesOf, forbiddenRequest } from './auth/attributes.js';
import type { Authenticator } from './auth/authenticate.js';
import { impersonated } from './auth/impersonate.js';
import { sendStatus } from './http/respond.js';
import { parseTarget, type RequestContext, type User } from './request/exchange.js';
import { findRoute, isPublic, type Route } from './request/route.js';
import { codeBehind, type Status, StatusError, statusOf, unauthorized } from './request/status.js';
import { upgradeUse } from './request/upgrade-use.js';
import { dispatch } from './routes/dispatch.js';
import { handleUpgrade } from './routes/upgrade.js';
import type { Facade } from './serving/facade.js';
import { requestLabels } from './serving/request-labels.js';
import { type FinishReport, type RequestEnd, reportRequest } from './serving/request-report.js';

/** Accepts requests: authenticates them, gives them an ID, calls their handler, and answers when it fails. */
export interface RequestHandling {
  /** `abort` closes the connection when a started response cannot be completed. */
  readonly request: (request: IncomingMessage, response: ServerResponse, abort: () => void) => void;
  /** Returns false, and does nothing, when the Upgrade header of the request means nothing. */
  readonly upgrade: (upgrade: Upgrade) => boolean;
  /** Running requests, including streams. */
  open(): number;
  close(): void;
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

interface Arrival {
  readonly request: IncomingMessage;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly handle: (context: RequestContext, route: Route) => Promise<RequestEnd>;
  readonly refuse: (status: Status, plainText: boolean) => void;
}

export function createRequestHandling(
  facade: Facade,
  authenticate: Authenticator,
  name: string,
): RequestHandling {
  const open = new Set<AbortController>();
  let lastId = 0;

  /** A signal that aborts when the client's side ends. */
  const admit = (lifetime: EventEmitter): { id: string; signal: AbortSignal } => {
    const controller = new AbortController();
    open.add(controller);
    lifetime.once('close', () => {
      open.delete(controller);
      controller.abort();
    });
    return { id: `${name}-${++lastId}`, signal: controller.signal };
  };

  return {
    request: (request, response, abort) => {
      const admitted = admit(response);
      response.setHeader('audit-id', admitted.id);
      if (facade.lifecycle.isLeaving && request.httpVersionMajor < 2)
        response.setHeader('connection', 'close');
      const handle: Arrival['handle'] = async (context, route) => {
        await dispatch(facade, { ...context, response }, route);
        return { status: response.statusCode };
      };
      const refuse: Arrival['refuse'] = (status, plainText) => {
        if (response.headersSent) return abort();
        // Do not wait for the rest of a body that was too slow.
        if (status.reason === 'Timeout' && request.httpVersionMajor < 2)
          response.setHeader('connection', 'close');
        sendStatus(response, status, plainText);
      };
      void serve(facade, authenticate, { request, ...admitted, handle, refuse })
        .catch(abort)
        // An unread body would block the connection.
        .finally(() => request.resume());
    },
    upgrade: (upgrade) => {
      const { request, socket } = upgrade;
      if (!hasUse(request)) return false;
      const handle: Arrival['handle'] = (context, route) => handleUpgrade(facade, context, route, upgrade);
      const refuse: Arrival['refuse'] = (status) => refuseWith(upgrade, facade, status);
      void serve(facade, authenticate, { request, ...admit(socket), handle, refuse }).catch(() =>
        socket.destroy(),
      );
      return true;
    },
    open: () => open.size,
    close: () => {
      for (const controller of open) controller.abort();
      open.clear();
    },
  };
}

/** A path that cannot be decoded is refused as that of a plain request. */
function hasUse(request: IncomingMessage): boolean {
  try {
    const { segments, query } = parseTarget(request.url ?? '/');
    return upgradeUse({ request, method: request.method ?? 'GET', query }, findRoute(segments)) !== undefined;
  } catch {
    return false;
  }
}

/** Answers a request; every error becomes a Status. */
async function serve(facade: Facade, authenticate: Authenticator, arrival: Arrival): Promise<void> {
  const { request, id, signal } = arrival;
  let finish: FinishReport = () => undefined;
  let leave = (): void => undefined;
  try {
    const target = parseTarget(request.url ?? '/');
    const route = findRoute(target.segments);
    const found = authenticate(request);
    const user = typeof found === 'string' ? undefined : found;
    const isOpen = isPublic(route) && found !== 'refused';
    boundBody(request, route, facade.clock);
    const method = request.method ?? 'GET';
    const arrived = { ...target, request, method, id, signal, user: user ?? anonymous };
    finish = reportRequest(facade, arrived, route);
    const isKnown = user !== undefined || isOpen;
    if (isKnown) leave = facade.enter(requestLabels(arrived, route), arrived.user);
    const context = isOpen ? arrived : permitted(facade, arrived, { route, user });
    // As in a real cluster, what was written at one replica is visible in a request to another.
    if (route.kind === 'resource') await facade.store.catchUp();
    finish(await arrival.handle(context, route));
  } catch (caught) {
    const status = statusOf(caught);
    arrival.refuse(status, caught instanceof StatusError && caught.plainText);
    const code = codeBehind(caught);
    finish({ status: status.code, error: status.message, ...(code === undefined ? {} : { code }) });
  } finally {
    leave();
  }
}

/** kube-apiserver's time limit for every request that does not stream, ms. */
const bodyTimeoutMs = 60_000;

/** A body must arrive in time, except one that is passed on to a pod. */
function boundBody(request: IncomingMessage, route: Route, clock: Clock): void {
  if (request.complete || (route.kind === 'resource' && route.subresource?.name === 'proxy')) return;
  const text = 'Timeout: request did not complete within the allotted timeout';
  const timer = clock.after(
    bodyTimeoutMs,
    () => request.emit('error', new StatusError(504, text, { reason: 'Timeout' })),
    true,
  );
  request.on('error', () => timer.cancel());
  request.once('end', () => timer.cancel());
  request.once('close', () => timer.cancel());
}

/** The request after authentication and authorization. Throws 401 and 403. */
function permitted(
  { authorize }: Facade,
  arrived: RequestContext,
  { route, user }: { route: Route; user: User | undefined },
): RequestContext {
  if (user === undefined) throw unauthorized();
  const context = { ...arrived, user: impersonated(arrived.request, user, authorize) };
  // For a path that does not exist, no rule is needed.
  if (route.kind === 'nowhere') return context;
  const attributes = attributesOf(context, route);
  const { allowed, reason } = authorize(attributes);
  if (!allowed) throw forbiddenRequest(attributes, reason);
  return context;
}

function refuseWith({ socket }: Upgrade, { clock }: Facade, status: Status): void {
  const refusal = { status: status.code, body: JSON.stringify(status), contentType: 'application/json' };
  if (!socket.destroyed) refuseUpgrade(socket, refusal, clock);
}
