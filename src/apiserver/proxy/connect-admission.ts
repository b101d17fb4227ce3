import { booleanParameter } from '../../kube/boolean-parameter.js';
import type { RequestContext } from '../request/exchange.js';
import type { ResourceRoute } from '../request/route.js';
import type { JsonObject } from '../resources/json.js';
import { kindGroup } from '../resources/resource.js';
import type { Facade } from '../serving/facade.js';
import { pathBehindProxy } from './proxy-target.js';

/** Operation CONNECT, with the parameters as the object. Rejects with a StatusError; changes are ignored. */
export async function admitConnect(
  facade: Facade,
  context: RequestContext,
  route: ResourceRoute,
): Promise<void> {
  const { resource, subresource, namespace, name } = route;
  if (subresource === undefined || name === undefined) return;
  const kind = { ...kindGroup(resource, subresource), kind: subresource.kind };
  const object = { kind: kind.kind, apiVersion: kind.version, ...optionsOf(subresource.name, context) };
  const answer = await facade.admit({
    operation: 'CONNECT',
    resource,
    kind,
    subresource: subresource.name,
    name,
    object,
    ...(namespace === undefined ? {} : { namespace }),
    user: context.user,
    dryRun: false,
    request: context.id,
    signal: context.signal,
  });
  await answer.review?.(object);
}

function optionsOf(subresource: string, context: RequestContext): JsonObject {
  const { query } = context;
  switch (subresource) {
    case 'proxy': {
      const { rest } = pathBehindProxy(context);
      return rest === '' ? {} : { path: rest };
    }
    case 'portforward': {
      const ports = query.getAll('ports').flatMap((list) => list.split(','));
      return ports.length === 0 ? {} : { ports: ports.map(Number) };
    }
    default: {
      const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => booleanParameter(query, flag));
      const container = query.get('container') ?? '';
      const command = query.getAll('command');
      return {
        ...Object.fromEntries(flags.map((flag) => [flag, true])),
        ...(container === '' ? {} : { container }),
        ...(command.length === 0 ? {} : { command }),
      };
    }
  }
}
