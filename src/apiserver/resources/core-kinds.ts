import { endpointsColumns, serviceColumns } from './network-columns.js';
import { nodeColumns } from './node-columns.js';
import { podColumns } from './pod-columns.js';
import { configMapColumns, eventColumns } from './record-columns.js';
import type { Resource } from './resource.js';
import { allVerbs, partVerbs } from './verbs.js';
import { namespaceColumns } from './workload-columns.js';

const connect = ['create', 'get'] as const;
const proxied = ['create', 'delete', 'get', 'patch', 'update'] as const;
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

export const coreKinds: readonly Resource[] = [
  {
    ...core,
    plural: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    namespaced: true,
    shortNames: ['cm'],
    verbs: allVerbs,
    columns: configMapColumns,
  },
  {
    ...core,
    plural: 'endpoints',
    singular: 'endpoints',
    kind: 'Endpoints',
    namespaced: true,
    shortNames: ['ep'],
    verbs: allVerbs,
    columns: endpointsColumns,
  },
  {
    ...core,
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    shortNames: ['ev'],
    verbs: allVerbs,
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
    verbs: allVerbs,
    columns: namespaceColumns,
    selectableFields: { 'status.phase': '' },
    subresources: [
      { name: 'finalize', kind: 'Namespace', verbs: ['update'] },
      { name: 'status', kind: 'Namespace', verbs: partVerbs },
    ],
  },
  {
    ...core,
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    namespaced: false,
    shortNames: ['no'],
    verbs: allVerbs,
    columns: nodeColumns,
    selectableFields: { 'spec.unschedulable': 'false' },
    subresources: [
      { name: 'proxy', kind: 'NodeProxyOptions', verbs: proxied },
      { name: 'status', kind: 'Node', verbs: partVerbs },
    ],
  },
  {
    ...core,
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    namespaced: true,
    shortNames: ['po'],
    categories: ['all'],
    verbs: allVerbs,
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
      { name: 'binding', kind: 'Binding', verbs: ['create'] },
      {
        name: 'ephemeralcontainers',
        kind: 'Pod',
        formerly: { kind: 'EphemeralContainers', before: 22 },
        verbs: partVerbs,
      },
      { name: 'eviction', kind: 'Eviction', apiVersion: 'policy/v1', verbs: ['create'] },
      { name: 'exec', kind: 'PodExecOptions', verbs: connect },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: connect },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: proxied },
      { name: 'status', kind: 'Pod', verbs: partVerbs },
    ],
  },
  {
    ...core,
    plural: 'secrets',
    singular: 'secret',
    kind: 'Secret',
    namespaced: true,
    verbs: allVerbs,
    selectableFields: { type: '' },
  },
  {
    ...core,
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    namespaced: true,
    shortNames: ['sa'],
    verbs: allVerbs,
    subresources: [
      { name: 'token', kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', verbs: ['create'] },
    ],
  },
  {
    ...core,
    plural: 'services',
    singular: 'service',
    kind: 'Service',
    namespaced: true,
    shortNames: ['svc'],
    categories: ['all'],
    verbs: allVerbs,
    columns: serviceColumns,
    selectableFields: { 'spec.clusterIP': '', 'spec.type': '' },
    subresources: [
      { name: 'proxy', kind: 'ServiceProxyOptions', verbs: proxied },
      { name: 'status', kind: 'Service', verbs: partVerbs },
    ],
  },
];
