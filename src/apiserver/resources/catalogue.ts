import { endpointSliceColumns, endpointsColumns, serviceColumns } from './columns/network.js';
import { nodeColumns } from './columns/nodes.js';
import { podColumns } from './columns/pods.js';
import { configMapColumns, eventColumns, leaseColumns } from './columns/records.js';
import { deploymentColumns, namespaceColumns, replicaSetColumns } from './columns/workloads.js';
import { apiVersionOf, type Resource } from './resource.js';

const read = ['get', 'list', 'watch'] as const;
const connect = ['create', 'get'] as const;
const eventFields = {
  'involvedObject.kind': '',
  'involvedObject.namespace': '',
  'involvedObject.name': '',
  'involvedObject.uid': '',
  'involvedObject.apiVersion': '',
  'involvedObject.resourceVersion': '',
  'involvedObject.fieldPath': '',
  reason: '',
  reportingComponent: '',
  type: '',
} as const;

const core = { group: '', version: 'v1' } as const;
const apps = { group: 'apps', version: 'v1' } as const;

/** Every kind of object that the façade serves, in the order of discovery. */
export const catalogue: readonly Resource[] = [
  {
    ...core,
    plural: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    namespaced: true,
    shortNames: ['cm'],
    verbs: read,
    columns: configMapColumns,
  },
  {
    ...core,
    plural: 'endpoints',
    singular: 'endpoints',
    kind: 'Endpoints',
    namespaced: true,
    shortNames: ['ep'],
    verbs: read,
    columns: endpointsColumns,
  },
  {
    ...core,
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    shortNames: ['ev'],
    verbs: read,
    columns: eventColumns,
    selectableFields: eventFields,
  },
  {
    ...core,
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    namespaced: false,
    shortNames: ['ns'],
    verbs: read,
    columns: namespaceColumns,
    selectableFields: { 'status.phase': '' },
  },
  {
    ...core,
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    namespaced: false,
    shortNames: ['no'],
    verbs: read,
    columns: nodeColumns,
    selectableFields: { 'spec.unschedulable': 'false' },
  },
  {
    ...core,
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    namespaced: true,
    shortNames: ['po'],
    categories: ['all'],
    verbs: read,
    columns: podColumns,
    selectableFields: {
      'spec.nodeName': '',
      'spec.restartPolicy': '',
      'spec.schedulerName': '',
      'spec.serviceAccountName': '',
      'spec.hostNetwork': 'false',
      'status.phase': '',
      'status.podIP': '',
      'status.nominatedNodeName': '',
    },
    subresources: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: connect },
      { name: 'exec', kind: 'PodExecOptions', verbs: connect },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: connect },
    ],
  },
  {
    ...core,
    plural: 'secrets',
    singular: 'secret',
    kind: 'Secret',
    namespaced: true,
    verbs: read,
    selectableFields: { type: '' },
  },
  {
    ...core,
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    namespaced: true,
    shortNames: ['sa'],
    verbs: read,
  },
  {
    ...core,
    plural: 'services',
    singular: 'service',
    kind: 'Service',
    namespaced: true,
    shortNames: ['svc'],
    categories: ['all'],
    verbs: read,
    columns: serviceColumns,
    selectableFields: { 'spec.clusterIP': '', 'spec.type': '' },
  },
  {
    ...apps,
    plural: 'deployments',
    singular: 'deployment',
    kind: 'Deployment',
    namespaced: true,
    shortNames: ['deploy'],
    categories: ['all'],
    verbs: read,
    columns: deploymentColumns,
  },
  {
    ...apps,
    plural: 'replicasets',
    singular: 'replicaset',
    kind: 'ReplicaSet',
    namespaced: true,
    shortNames: ['rs'],
    categories: ['all'],
    verbs: read,
    columns: replicaSetColumns,
    selectableFields: { 'status.replicas': '0' },
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
    kind: 'SelfSubjectReview',
    namespaced: false,
    verbs: ['create'],
    virtual: true,
  },
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    namespaced: true,
    verbs: read,
    columns: leaseColumns,
  },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    plural: 'endpointslices',
    singular: 'endpointslice',
    kind: 'EndpointSlice',
    namespaced: true,
    verbs: read,
    columns: endpointSliceColumns,
  },
];

/** The record that a path of the API names, if there is one. */
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

/** The record of a kind that the façade itself depends on. */
export function coreResource(plural: 'pods' | 'nodes' | 'namespaces'): Resource {
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

/** The kinds of one group version; empty when it is not served. */
export function resourcesOf(group: string, version: string): readonly Resource[] {
  return catalogue.filter((resource) => resource.group === group && resource.version === version);
}
