import type { Container, Pod } from '../../kube/pod-objects.js';

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
    HOSTNAME: pod.metadata.name,
    HOME: folder,
  };
  for (const { name, value = '' } of container.env ?? []) base[name] = value;
  return { ...base, [markVariable]: folder };
}
