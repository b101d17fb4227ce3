import type { RequestContext } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { wantsWatch } from '../request/selection.js';
import type { RequestLabels } from './api-metrics.js';

const streams = new Set(['attach', 'exec', 'portforward', 'proxy']);

export function requestLabels(context: RequestContext, route: Route): RequestLabels {
  const { method, query } = context;
  const isMutating = !['GET', 'HEAD'].includes(method);
  const dryRun = query.getAll('dryRun').join(',');
  const common = { dryRun, isMutating };
  if (route.kind !== 'resource')
    return {
      ...common,
      verb: method,
      group: '',
      version: '',
      resource: '',
      subresource: '',
      scope: '',
      isLong: false,
    };
  const { resource, subresource, namespace, name } = route;
  const part = subresource?.name ?? '';
  const verb = verbOf(context, { isNamed: name !== undefined, isStream: streams.has(part) });
  return {
    ...common,
    verb,
    group: resource.group,
    version: resource.version,
    resource: resource.plural,
    subresource: part,
    scope:
      name !== undefined || verb === 'POST' ? 'resource' : namespace === undefined ? 'cluster' : 'namespace',
    isLong: verb === 'WATCH' || verb === 'CONNECT' || part === 'log',
  };
}

function verbOf(
  { method, query, request }: RequestContext,
  { isNamed, isStream }: { readonly isNamed: boolean; readonly isStream: boolean },
): string {
  if (isStream) return 'CONNECT';
  if (method === 'PATCH')
    return (request.headers['content-type'] ?? '').startsWith('application/apply-patch') ? 'APPLY' : method;
  if (method === 'DELETE') return isNamed ? method : 'DELETECOLLECTION';
  if (method !== 'GET' || isNamed) return method;
  return wantsWatch(query) ? 'WATCH' : 'LIST';
}
