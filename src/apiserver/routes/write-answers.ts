import { parseDuration } from '../../core/duration.js';
import { sendJson } from '../http/respond.js';
import { createWarner } from '../http/warnings.js';
import type { Exchange } from '../request/exchange.js';
import type { ResourceRoute } from '../request/route.js';
import { badRequest } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import { apiVersionOf } from '../resources/resource.js';
import type { Facade } from '../serving/facade.js';
import type { ExpectedKind } from '../write/decode.js';
import type { NamedWrite, Write, Written } from '../write/write.js';
import { parseWriteOptions } from '../write/write-options.js';
import { createPresenter } from './presenter.js';

type OptionsKind = Parameters<typeof parseWriteOptions>[1];

/** kube-apiserver's time limit for writes, ms. */
const maxWriteMs = 34_000;

/** The write of a request, without its body. Throws 422 for bad options, 400 for a bad `timeout`. */
export function writeOf(facade: Facade, exchange: Exchange, route: ResourceRoute, kind: OptionsKind): Write {
  const { resource, namespace, subresource } = route;
  return {
    context: facade,
    user: exchange.user,
    request: exchange.id,
    signal: exchange.signal,
    deadlineMs: facade.clock.now() + timeoutMs(exchange),
    resource,
    options: parseWriteOptions(exchange, kind),
    warn: createWarner(exchange.response),
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource: subresource.name }),
  };
}

/** `kubectl --request-timeout` asks for it; 0 is no wish. */
function timeoutMs({ query }: Exchange): number {
  const text = query.get('timeout') || '0';
  const wishMs = parseDuration(text);
  if (wishMs === undefined)
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`,
    );
  return wishMs > 0 ? Math.min(wishMs, maxWriteMs) : maxWriteMs;
}

export function namedWriteOf(
  facade: Facade,
  exchange: Exchange,
  { route, name, kind }: { route: ResourceRoute; name: string; kind: OptionsKind },
): NamedWrite {
  return { ...writeOf(facade, exchange, route, kind), name };
}

/** The kind of a route's bodies: that of the resource, or of a subresource with another kind. */
export function expectedKind({ resource, subresource }: ResourceRoute): ExpectedKind {
  if (subresource === undefined || subresource.kind === resource.kind)
    return { apiVersion: apiVersionOf(resource), kind: resource.kind };
  return { apiVersion: subresource.apiVersion ?? apiVersionOf(resource), kind: subresource.kind };
}

export async function sendWritten(
  facade: Facade,
  exchange: Exchange,
  route: ResourceRoute,
  { object, created }: Written,
): Promise<void> {
  await yieldToOthers();
  const presenter = createPresenter(route.resource, exchange, facade.now);
  sendJson(exchange.response, presenter.one(object), created ? 201 : 200);
}
