import type { ResourceRoute } from '../request/route.js';
import { refuseFuture, selectionOf } from '../request/selection.js';
import { badRequest, expired, StatusError } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import type { ObjectStore } from '../store/object-store.js';
import { objectsAt } from '../store/objects-at.js';
import { type ContinuePoint, decodeContinue, encodeContinue } from './continue-token.js';
import { type ListOptions, parseListOptions } from './list-options.js';

export interface ListMeta {
  readonly resourceVersion: string;
  /** Present when there may be more. */
  readonly continue?: string;
  /** Absent when selectors are used, because it counts objects that were not checked yet. */
  readonly remainingItemCount?: number;
}

export interface ListPage {
  readonly objects: readonly ApiObject[];
  readonly meta: ListMeta;
}

/**
 * The objects of a list: all selected ones, or a page of them. All pages show the state at the time of the first.
 * Throws 400 and 422 for bad parameters, 410 for a revision that is gone, 504 for a future one.
 */
export function listPage(store: ObjectStore, route: ResourceRoute, query: URLSearchParams): ListPage {
  const options = parseListOptions(query);
  const { continueToken } = options;
  const from = continueToken === '' ? undefined : decodeContinue(continueToken);
  if (from !== undefined && (options.revision ?? 0) > 0)
    throw badRequest('specifying resource version is not allowed when using continue');
  const { objects, revision } =
    from === undefined ? firstPage(store, route, options) : laterPage(store, route, from);
  const selected = selectionOf(route, query);
  const hasSelectors = ['labelSelector', 'fieldSelector'].some((name) => (query.get(name) ?? '') !== '');
  if (options.limit === 0)
    return { objects: objects.filter(selected), meta: { resourceVersion: String(revision) } };
  return cut(objects, { ...options, revision, selected, hasSelectors, keyOf: keyIn(route) });
}

interface State {
  readonly objects: readonly ApiObject[];
  readonly revision: number;
}

function firstPage(store: ObjectStore, route: ResourceRoute, { revision, isExact }: ListOptions): State {
  const { resource, namespace } = route;
  if (revision !== undefined) refuseFuture(revision, store.revision);
  if (revision === undefined || !isExact)
    return { objects: store.list(resource, namespace), revision: store.revision };
  const objects = objectsAt(store, { resource, namespace, revision });
  if (objects === 'forgotten') throw expired('The resourceVersion for the provided list is too old.');
  return { objects, revision };
}

function laterPage(
  store: ObjectStore,
  route: ResourceRoute,
  { revision: asked, start }: ContinuePoint,
): State {
  const { resource, namespace } = route;
  const revision = asked < 0 ? store.revision : asked;
  // etcd's text, for instance when it has lost its data since the first page.
  if (revision > store.revision)
    throw new StatusError(500, 'etcdserver: mvcc: required revision is a future revision');
  const objects = objectsAt(store, { resource, namespace, revision });
  if (objects === 'forgotten')
    throw expired(tooOldText, { continue: encodeContinue({ revision: -1, start }) });
  const keyOf = keyIn(route);
  return { objects: objects.filter((object) => keyOf(object) >= start), revision };
}

const tooOldText =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** The object's key in a continue token. */
function keyIn({ namespace }: ResourceRoute): (object: ApiObject) => string {
  return ({ metadata }) =>
    namespace === undefined && metadata.namespace !== undefined
      ? `${metadata.namespace}/${metadata.name}`
      : metadata.name;
}

interface Cut extends Omit<State, 'objects'> {
  readonly limit: number;
  readonly selected: (object: ApiObject) => boolean;
  readonly hasSelectors: boolean;
  readonly keyOf: (object: ApiObject) => string;
}

/** `objects` are sorted by key. Whether more follow is decided without selectors, so a last page may be empty. */
function cut(
  objects: readonly ApiObject[],
  { limit, selected, hasSelectors, keyOf, revision }: Cut,
): ListPage {
  const page: ApiObject[] = [];
  let seen = 0;
  for (; seen < objects.length && page.length < limit; seen++) {
    const object = objects[seen];
    if (object !== undefined && selected(object)) page.push(object);
  }
  const last = objects[seen - 1];
  const resourceVersion = String(revision);
  if (last === undefined || seen === objects.length) return { objects: page, meta: { resourceVersion } };
  const more = { resourceVersion, continue: encodeContinue({ revision, start: `${keyOf(last)}\u0000` }) };
  const rest = objects.length - seen;
  return { objects: page, meta: hasSelectors ? more : { ...more, remainingItemCount: rest } };
}
