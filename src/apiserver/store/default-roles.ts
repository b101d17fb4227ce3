import type { ApiObject } from '../resources/api-object.js';
import { finished } from '../resources/json.js';

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

const readVerbs = ['get', 'list', 'watch'];
const writeVerbs = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/openapi',
  '/openapi/*',
  '/healthz',
  '/livez',
  '/readyz',
  '/version',
  '/version/',
];
const coreNamespaced = [
  'configmaps',
  'endpoints',
  'events',
  'pods',
  'pods/log',
  'pods/status',
  'serviceaccounts',
  'services',
];
const apps = ['deployments', 'deployments/scale', 'replicasets', 'replicasets/scale'];

const viewRules: readonly Rule[] = [
  { verbs: readVerbs, apiGroups: [''], resources: [...coreNamespaced, 'namespaces'] },
  { verbs: readVerbs, apiGroups: ['apps'], resources: apps },
  { verbs: readVerbs, apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] },
];
const editRules: readonly Rule[] = [
  ...viewRules,
  { verbs: [...readVerbs, ...writeVerbs], apiGroups: [''], resources: [...coreNamespaced, 'secrets'] },
  {
    verbs: ['create', 'get'],
    apiGroups: [''],
    resources: ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/eviction', 'serviceaccounts/token'],
  },
  { verbs: [...readVerbs, ...writeVerbs], apiGroups: [''], resources: ['pods/proxy', 'services/proxy'] },
  { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
  { verbs: writeVerbs, apiGroups: ['apps'], resources: apps },
  { verbs: [...readVerbs, ...writeVerbs], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
];

/** The roles of every cluster, reduced to the kinds that are served. */
const roles: Readonly<Record<string, readonly Rule[]>> = {
  'cluster-admin': [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ],
  admin: [
    ...editRules,
    { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'] },
    {
      verbs: [...readVerbs, ...writeVerbs],
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['rolebindings', 'roles'],
    },
  ],
  edit: editRules,
  view: viewRules,
  'system:basic-user': [
    {
      verbs: ['create'],
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    },
    { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  ],
  'system:discovery': [{ verbs: ['get'], nonResourceURLs: discoveryPaths }],
  'system:auth-delegator': [
    { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] },
    { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'] },
  ],
};

/** Cluster role → group that has it. */
const bindings: Readonly<Record<string, string>> = {
  'cluster-admin': 'system:masters',
  'system:basic-user': 'system:authenticated',
  'system:discovery': 'system:authenticated',
};

const group = 'rbac.authorization.k8s.io';

/** Cluster roles and their bindings as a new cluster has them. */
export function defaultRoles(timestamp: string, uidFor: (name: string) => string): readonly ApiObject[] {
  const metadata = (name: string, kind: string): object => ({
    name,
    uid: uidFor(`${kind}/${name}`),
    creationTimestamp: timestamp,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  });
  const apiVersion = `${group}/v1`;
  return [
    ...Object.entries(roles).map(([name, rules]) =>
      finished({ apiVersion, kind: 'ClusterRole', metadata: metadata(name, 'ClusterRole'), rules }),
    ),
    ...Object.entries(bindings).map(([name, subject]) =>
      finished({
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: metadata(name, 'ClusterRoleBinding'),
        roleRef: { apiGroup: group, kind: 'ClusterRole', name },
        subjects: [{ apiGroup: group, kind: 'Group', name: subject }],
      }),
    ),
  ];
}
