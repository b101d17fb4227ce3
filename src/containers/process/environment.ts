import type { Container, Pod } from '../../kube/pod-objects.js';
import { hostnameOf } from '../hostname.js';

/** Marks a container's processes among the host's. Its value is their run's folder, unique to this lab or kubelet. */
export const markVariable = 'KONNSIM_CONTAINER';
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentOptions {
  readonly pod: Pod;
  readonly container: Container;
  /** The container's folder, also its home directory. */
  readonly folder: string;
}

/** The variables of a container: those of its resolved spec, and a few that every container has. Of the host's only PATH. */
export function environmentOf({ pod, container, folder }: EnvironmentOptions): Record<string, string> {
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? defaultPath,
    HOSTNAME: hostnameOf(pod),
    HOME: folder,
  };
  const own = (container.env ?? []).map(({ name, value = '' }) => [name, value] as const);
  // Made from entries: an assignment to `__proto__` would be lost.
  return Object.fromEntries([...Object.entries(base), ...own, [markVariable, folder]]);
}
