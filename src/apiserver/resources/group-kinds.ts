import { endpointSliceColumns } from './network-columns.js';
import { leaseColumns } from './record-columns.js';
import type { Resource } from './resource.js';
import { allVerbs, partVerbs } from './verbs.js';
import { deploymentColumns, replicaSetColumns } from './workload-columns.js';

const admission = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
const apps = { group: 'apps', version: 'v1' } as const;
const authentication = { group: 'authentication.k8s.io', version: 'v1' } as const;
const authorization = { group: 'authorization.k8s.io', version: 'v1' } as const;
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;

/** The named groups. */
export const groupKinds: readonly Resource[] = [
  {
    ...admission,
    plural: 'mutatingwebhookconfigurations',
    singular: 'mutatingwebhookconfiguration',
    kind: 'MutatingWebhookConfiguration',
    namespaced: false,
    verbs: allVerbs,
  },
  {
    ...admission,
    plural: 'validatingwebhookconfigurations',
    singular: 'validatingwebhookconfiguration',
    kind: 'ValidatingWebhookConfiguration',
    namespaced: false,
    verbs: allVerbs,
  },
  {
    ...apps,
    plural: 'deployments',
    singular: 'deployment',
    kind: 'Deployment',
    namespaced: true,
    shortNames: ['deploy'],
    categories: ['all'],
    verbs: allVerbs,
    columns: deploymentColumns,
    subresources: [
      { name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: partVerbs },
      { name: 'status', kind: 'Deployment', verbs: partVerbs },
    ],
  },
  {
    ...apps,
    plural: 'replicasets',
    singular: 'replicaset',
    kind: 'ReplicaSet',
    namespaced: true,
    shortNames: ['rs'],
    categories: ['all'],
    verbs: allVerbs,
    columns: replicaSetColumns,
    selectableFields: { 'status.replicas': '0' },
    subresources: [
      { name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: partVerbs },
      { name: 'status', kind: 'ReplicaSet', verbs: partVerbs },
    ],
  },
  {
    ...authentication,
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
    kind: 'SelfSubjectReview',
    namespaced: false,
    verbs: ['create'],
    virtual: true,
  },
  {
    ...authentication,
    plural: 'tokenreviews',
    singular: 'tokenreview',
    kind: 'TokenReview',
    namespaced: false,
    verbs: ['create'],
    virtual: true,
  },
  {
    ...authorization,
    plural: 'localsubjectaccessreviews',
    singular: 'localsubjectaccessreview',
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
    verbs: ['create'],
    virtual: true,
  },
  {
    ...authorization,
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
    verbs: ['create'],
    virtual: true,
  },
  {
    ...authorization,
    plural: 'selfsubjectrulesreviews',
    singular: 'selfsubjectrulesreview',
    kind: 'SelfSubjectRulesReview',
    namespaced: false,
    verbs: ['create'],
    virtual: true,
  },
  {
    ...authorization,
    plural: 'subjectaccessreviews',
    singular: 'subjectaccessreview',
    kind: 'SubjectAccessReview',
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
    verbs: allVerbs,
    columns: leaseColumns,
  },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    plural: 'endpointslices',
    singular: 'endpointslice',
    kind: 'EndpointSlice',
    namespaced: true,
    verbs: allVerbs,
    columns: endpointSliceColumns,
  },
  {
    ...rbac,
    plural: 'clusterrolebindings',
    singular: 'clusterrolebinding',
    kind: 'ClusterRoleBinding',
    namespaced: false,
    verbs: allVerbs,
  },
  {
    ...rbac,
    plural: 'clusterroles',
    singular: 'clusterrole',
    kind: 'ClusterRole',
    namespaced: false,
    verbs: allVerbs,
  },
  {
    ...rbac,
    plural: 'rolebindings',
    singular: 'rolebinding',
    kind: 'RoleBinding',
    namespaced: true,
    verbs: allVerbs,
  },
  {
    ...rbac,
    plural: 'roles',
    singular: 'role',
    kind: 'Role',
    namespaced: true,
    verbs: allVerbs,
  },
];
