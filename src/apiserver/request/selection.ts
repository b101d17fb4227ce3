import { booleanParameter } from '../../kube/boolean-parameter.js';
import { parseLabelSelector } from '../../kube/label-selector.js';
import type { ApiObject, Predicate } from '../resources/api-object.js';
import { parseFieldSelector } from '../resources/field-selector.js';
import type { ResourceRoute } from './route.js';
import { badRequest, StatusError } from './status.js';

/** The objects that a list or watch selects. Throws 400 for invalid selectors. */
export function selectionOf(route: ResourceRoute, query: URLSearchParams): Predicate {
  const labels = labelPredicate(query.get('labelSelector') ?? '');
  const fields = fieldPredicate(route, query.get('fieldSelector') ?? '');
  const { namespace } = route;
  return (object: ApiObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) && labels(object) && fields(object);
}

function labelPredicate(text: string): Predicate {
  const parsed = parseLabelSelector(text);
  if (parsed !== undefined) return parsed;
  throw badRequest(`unable to parse requirement: invalid label selector ${JSON.stringify(text)}`);
}

function fieldPredicate(route: ResourceRoute, text: string): Predicate {
  const parsed = parseFieldSelector(text, route.resource);
  if (parsed.kind === 'ok') return parsed.matches;
  throw badRequest(parsed.message);
}

/** A `resourceVersion` parameter as a number; undefined when absent or empty. Throws 400 for anything else. */
export function revisionParameter(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const cause = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: ${cause}`);
}

/** Throws 504 for a future revision; that tells clients that this server is behind. */
export function refuseFuture(asked: number, current: number): void {
  if (asked <= current) return;
  throw new StatusError(504, `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    reason: 'Timeout',
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  });
}

export function wantsWatch(query: URLSearchParams): boolean {
  return booleanParameter(query, 'watch');
}
