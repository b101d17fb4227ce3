import type { Pod } from '../kube/pod-objects.js';

/** The most that Linux takes is 64, and DNS 63. */
const maxLength = 63;

/** The host name that the containers of a pod see. */
export function hostnameOf({ metadata, spec }: Pod): string {
  if (spec.hostNetwork === true) return spec.nodeName;
  const name = spec.hostname || metadata.name;
  return name.length <= maxLength ? name : name.slice(0, maxLength).replace(/[-.]+$/, '');
}
