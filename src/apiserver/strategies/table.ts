import type { Resource } from '../resources/resource.js';
import { leaseStrategy } from './leases.js';
import { namespaceStrategy } from './namespaces.js';
import { podStrategy } from './pods.js';
import {
  configMapStrategy,
  endpointSliceStrategy,
  endpointsStrategy,
  eventStrategy,
  nodeStrategy,
  rbacStrategy,
  secretStrategy,
  serviceAccountStrategy,
} from './records.js';
import { serviceStrategy } from './services.js';
import type { Strategy } from './strategy.js';
import { webhookStrategy } from './webhooks.js';
import { deploymentStrategy, replicaSetStrategy } from './workloads.js';

const plain: Strategy = {};

const strategies: ReadonlyMap<string, Strategy> = new Map<string, Strategy>([
  ['clusterrolebindings', rbacStrategy],
  ['clusterroles', rbacStrategy],
  ['configmaps', configMapStrategy],
  ['deployments', deploymentStrategy],
  ['endpoints', endpointsStrategy],
  ['endpointslices', endpointSliceStrategy],
  ['events', eventStrategy],
  ['leases', leaseStrategy],
  ['mutatingwebhookconfigurations', webhookStrategy],
  ['namespaces', namespaceStrategy],
  ['nodes', nodeStrategy],
  ['pods', podStrategy],
  ['replicasets', replicaSetStrategy],
  ['rolebindings', rbacStrategy],
  ['roles', rbacStrategy],
  ['secrets', secretStrategy],
  ['serviceaccounts', serviceAccountStrategy],
  ['services', serviceStrategy],
  ['validatingwebhookconfigurations', webhookStrategy],
]);

export function strategyOf({ plural }: Resource): Strategy {
  return strategies.get(plural) ?? plain;
}
