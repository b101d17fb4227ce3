import type { NodeAttributes } from './user.js';

const verbs: Readonly<Record<string, NodeAttributes['verb']>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Paths with a subresource of their own. */
const own: Readonly<Record<string, string>> = {
  stats: 'stats',
  metrics: 'metrics',
  logs: 'log',
  checkpoint: 'checkpoint',
};

/** Paths whose finer subresource is tried before `proxy`, as by feature gate KubeletFineGrainedAuthz. */
const finer: Readonly<Record<string, string>> = {
  configz: 'configz',
  healthz: 'healthz',
  pods: 'pods',
  runningpods: 'pods',
};

/** What a request to the kubelet asks for on resource `nodes`. */
export function attributesOf(method: string, pathname: string): NodeAttributes {
  const first = pathname.split('/')[1] ?? '';
  // The kubelet has no verb for other methods, so that nobody is allowed them but for `*`.
  const verb = verbs[method] ?? '';
  const special = own[first];
  if (special !== undefined) return { verb, subresources: [special] };
  const fine = finer[first];
  return { verb, subresources: fine === undefined ? ['proxy'] : [fine, 'proxy'] };
}
