import { groupVersions, resourcesOf } from '../resources/catalogue.js';
import { apiVersionOf, kindGroup, kindIn, type Resource } from '../resources/resource.js';

/** `/api`: the versions of the core group. `address` is the server's address for clients. */
export function apiVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: groupVersions()
      .filter(({ group }) => group === '')
      .map(({ version }) => version),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** `/apis`: the named groups. */
export function apiGroupList(): object {
  const names = new Set(groupVersions().map(({ group }) => group));
  names.delete('');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...names].map(describeGroup) };
}

/** `/apis/GROUP`; undefined when the group is not served. */
export function apiGroup(name: string): object | undefined {
  const served = name !== '' && groupVersions().some(({ group }) => group === name);
  return served ? { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(name) } : undefined;
}

/** `/api/v1` or `/apis/GROUP/VERSION` in release 1.`minor`; undefined when it is not served. */
export function apiResourceList(group: string, version: string, minor: number): object | undefined {
  const resources = resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap((resource) => describeResource(resource, minor)),
  };
}

function describeGroup(name: string) {
  const versions = groupVersions()
    .filter(({ group }) => group === name)
    .map(({ group, version }) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  return { name, versions, preferredVersion: versions[0] };
}

function describeResource(resource: Resource, minor: number): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  const whole = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames === undefined ? {} : { shortNames }),
    ...(categories === undefined ? {} : { categories }),
  };
  const parts = (resource.subresources ?? []).map((part) => ({
    name: `${plural}/${part.name}`,
    singularName: '',
    namespaced,
    ...(part.apiVersion === undefined ? {} : kindGroup(resource, part)),
    kind: kindIn(part, minor),
    verbs: part.verbs,
  }));
  return [whole, ...parts];
}
