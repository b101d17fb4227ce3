import type { NodeAttributes } from './user.js';

const verbs: Readonly<Record<string, NodeAttributes['verb']>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Paths that have their own subresource. */
const own: Readonly<Record<string, string>> = {
  stats: 'stats',
  metrics: 'metrics',
  logs: 'log',
  checkpoint: 'checkpoint',
};

/** Paths with a finer subresource that is tried before `proxy`, as with feature gate KubeletFineGrainedAuthz. */
const finer: Readonly<Record<string, string>> = {
  configz: 'configz',
  healthz: 'healthz',
  pods: 'pods',
  runningpods: 'pods',
};

/** The attributes of a request on resource `nodes`, for authorization. */
export function attributesOf(method: string, pathname: string): NodeAttributes {
  const first = pathname.split('/')[1] ?? '';
  // The kubelet has no verb for other methods, so only a rule with `*` allows them.
  const verb = verbs[method] ?? '';
  const special = own[first];
  if (special !== undefined) return { verb, subresources: [special] };
  const fine = finer[first];
  return { verb, subresources: fine === undefined ? ['proxy'] : [fine, 'proxy'] };
}
