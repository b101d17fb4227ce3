import { coreKinds } from './core-kinds.js';
import { groupKinds } from './group-kinds.js';
import { apiVersionOf, type Resource } from './resource.js';

/** Every kind of object that the façade serves, in the order of discovery. */
export const catalogue: readonly Resource[] = [...coreKinds, ...groupKinds];

export function findResource(group: string, version: string, plural: string): Resource | undefined {
  return catalogue.find(
    (resource) => resource.plural === plural && resource.group === group && resource.version === version,
  );
}

/** The record for objects of this `apiVersion` and `kind`, if they can be stored. */
export function findKind(apiVersion: string, kind: string): Resource | undefined {
  return catalogue.find(
    (resource) =>
      resource.kind === kind && apiVersionOf(resource) === apiVersion && resource.virtual !== true,
  );
}

/** The record of a kind that the façade itself needs. */
export function coreResource(plural: 'endpoints' | 'namespaces' | 'nodes' | 'pods' | 'services'): Resource {
  const found = findResource('', 'v1', plural);
  if (found === undefined) throw new Error(`the catalogue lacks ${plural}`);
  return found;
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** Every served group version once, in the order of the catalogue. */
export function groupVersions(): readonly GroupVersion[] {
  const seen = new Map<string, GroupVersion>();
  for (const { group, version } of catalogue) seen.set(`${group}/${version}`, { group, version });
  return [...seen.values()];
}

export function resourcesOf(group: string, version: string): readonly Resource[] {
  return catalogue.filter((resource) => resource.group === group && resource.version === version);
}
