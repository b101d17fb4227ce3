import { createHash } from 'node:crypto';
import { catalogue, groupVersions, resourcesOf } from '../resources/catalogue.js';
import type { JsonObject } from '../resources/json.js';
import { apiVersionOf, type Resource } from '../resources/resource.js';
import { schemaName, schemasOf } from './schemas.js';

const writeQueries = ['dryRun', 'fieldManager', 'fieldValidation'];

/** OpenAPI v2 of everything: the types, and the query parameters of PATCH, which clients look up in it. */
export function openApiV2(release: string): JsonObject {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: release },
    paths: Object.fromEntries(catalogue.filter(({ virtual }) => virtual !== true).map(patchPath)),
    definitions: Object.fromEntries(schemasOf(catalogue, '#/definitions/')),
  };
}

/** kubectl before 1.27 looks here whether a kind supports dry runs. */
function patchPath(resource: Resource): readonly [string, JsonObject] {
  const { group, version, kind } = resource;
  const patch = {
    'x-kubernetes-group-version-kind': { group, version, kind },
    parameters: writeQueries.map((name) => ({ name, in: 'query', type: 'string', uniqueItems: true })),
    responses: { 200: { description: 'OK' } },
  };
  return [`${collectionPath(resource)}/{name}`, { patch }];
}

/** The list of the OpenAPI v3 documents. The hash changes when a document changes. */
export function openApiV3Index(release: string): JsonObject {
  const paths = groupVersions().map((served) => {
    const path = documentPath(served);
    const hash = createHash('sha256').update(`${release} ${path}`).digest('hex').toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

/** `api/v1` or `apis/apps/v1`. */
function documentPath({ group, version }: { group: string; version: string }): string {
  return group === '' ? `api/${version}` : `apis/${apiVersionOf({ group, version })}`;
}

/** The OpenAPI v3 document of one group version; undefined when it is not served. */
export function openApiV3(path: string, release: string): JsonObject | undefined {
  const served = groupVersions().find((candidate) => documentPath(candidate) === path);
  if (served === undefined) return undefined;
  const resources = resourcesOf(served.group, served.version);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: release },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: { schemas: Object.fromEntries(schemasOf(resources, '#/components/schemas/')) },
  };
}

/** Clients look here whether the server validates fields; then they do not validate themselves. */
function pathsOf(resource: Resource): readonly (readonly [string, JsonObject])[] {
  const collection = collectionPath(resource);
  if (resource.virtual === true) return [[collection, { post: operation(resource, 'post') }]];
  return [
    [collection, { get: operation(resource, 'list'), post: operation(resource, 'post') }],
    [
      `${collection}/{name}`,
      {
        get: operation(resource, 'get'),
        put: operation(resource, 'put'),
        patch: operation(resource, 'patch'),
        delete: operation(resource, 'delete'),
      },
    ],
  ];
}

function collectionPath(resource: Resource): string {
  const scope = resource.namespaced ? 'namespaces/{namespace}/' : '';
  return `/${documentPath(resource)}/${scope}${resource.plural}`;
}

function operation(resource: Resource, action: string): JsonObject {
  const { group, version, kind } = resource;
  const writes = ['post', 'put', 'patch'].includes(action);
  const query = (name: string): JsonObject => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  });
  const schema = { $ref: `#/components/schemas/${schemaName(kind)}` };
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    ...(writes ? { parameters: writeQueries.map(query) } : {}),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  };
}
