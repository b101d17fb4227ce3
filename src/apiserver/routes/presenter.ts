import type { WallClock } from '../../core/wall-clock.js';
import { choosePresentation } from '../http/accept.js';
import type { RequestContext } from '../request/exchange.js';
import { badRequest, StatusError } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import { apiVersionOf, type Resource } from '../resources/resource.js';
import { type IncludeObject, partialMetadata, renderTable } from '../resources/table.js';
import type { ListMeta } from './list-page.js';

/** Shows objects in the form that the client wants: whole, only metadata, or as a table. */
export interface Presenter {
  one(object: ApiObject): object;
  list(objects: readonly ApiObject[], meta: ListMeta): object;
  /** The `object` of a watch event. The first one has the columns of a table. */
  event(object: ApiObject): object;
  bookmark(revision: number): object;
}

/** Chooses by the Accept header. Throws 406 when it allows no form that we support. */
export function createPresenter(resource: Resource, context: RequestContext, now: WallClock): Presenter {
  const chosen = choosePresentation(context.request.headers.accept);
  if (chosen === undefined) throw notAcceptable();
  switch (chosen.form) {
    case 'object':
      return objectPresenter(resource);
    case 'metadata':
      return metadataPresenter(`meta.k8s.io/${chosen.meta}`);
    case 'table':
      return tablePresenter(resource, now, {
        apiVersion: `meta.k8s.io/${chosen.meta}`,
        includeObject: includeObject(context.query),
      });
  }
}

function notAcceptable(): StatusError {
  return new StatusError(406, 'only the following media types are accepted: application/json', {
    reason: 'NotAcceptable',
  });
}

function includeObject(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
}

function objectPresenter(resource: Resource): Presenter {
  const apiVersion = apiVersionOf(resource);
  return {
    one: (object) => object,
    list: (items, metadata) => ({ kind: `${resource.kind}List`, apiVersion, metadata, items }),
    event: (object) => object,
    bookmark: (revision) => ({
      kind: resource.kind,
      apiVersion,
      metadata: { resourceVersion: String(revision), creationTimestamp: null },
    }),
  };
}

function metadataPresenter(apiVersion: string): Presenter {
  return {
    one: (object) => partialMetadata(object, apiVersion),
    list: (objects, metadata) => ({
      kind: 'PartialObjectMetadataList',
      apiVersion,
      metadata,
      items: objects.map((object) => partialMetadata(object, apiVersion)),
    }),
    event: (object) => partialMetadata(object, apiVersion),
    bookmark: (revision) => ({
      kind: 'PartialObjectMetadata',
      apiVersion,
      metadata: { resourceVersion: String(revision), creationTimestamp: null },
    }),
  };
}

function tablePresenter(
  resource: Resource,
  now: WallClock,
  form: { apiVersion: string; includeObject: IncludeObject },
): Presenter {
  let withColumns = true;
  const table = (objects: readonly ApiObject[], metadata: ListMeta): object =>
    renderTable(resource, objects, { ...form, nowMs: now(), metadata, withColumns });
  const tableOf = (object: ApiObject): object =>
    table([object], { resourceVersion: object.metadata.resourceVersion ?? '' });
  const once = (render: () => object): object => {
    const shown = render();
    withColumns = false;
    return shown;
  };
  return {
    one: tableOf,
    list: table,
    event: (object) => once(() => tableOf(object)),
    bookmark: (revision) => once(() => table([], { resourceVersion: String(revision) })),
  };
}
