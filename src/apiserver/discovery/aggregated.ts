import { groupVersions, resourcesOf } from '../resources/catalogue.js';
import type { Resource, Subresource } from '../resources/resource.js';
import { kindGroup } from '../resources/resource.js';

export type AggregatedVersion = 'v2' | 'v2beta1';

export function aggregatedContentType(version: AggregatedVersion): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

/** The whole discovery in one document: for `/api` the core group, for `/apis` the others. */
export function aggregatedDiscovery(root: 'api' | 'apis', version: AggregatedVersion): object {
  const served = groupVersions().filter(({ group }) => (group === '') === (root === 'api'));
  const groups = [...new Set(served.map(({ group }) => group))];
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: served
        .filter((candidate) => candidate.group === group)
        .map((candidate) => ({
          version: candidate.version,
          resources: resourcesOf(group, candidate.version).map(describe),
          freshness: 'Current',
        })),
    })),
  };
}

function describe(resource: Resource): object {
  return {
    resource: resource.plural,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories === undefined ? {} : { categories: resource.categories }),
    ...(resource.subresources === undefined
      ? {}
      : { subresources: resource.subresources.map((subresource) => describePart(resource, subresource)) }),
  };
}

function describePart(resource: Resource, subresource: Subresource): object {
  return {
    subresource: subresource.name,
    responseKind: { ...kindGroup(resource, subresource), kind: subresource.kind },
    verbs: subresource.verbs,
  };
}
