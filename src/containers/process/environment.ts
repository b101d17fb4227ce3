import type { Container, Pod } from '../../kube/pod-objects.js';

/**
 * The variable by which a container's processes are known among those of the host. Its value is the folder of their run,
 * which no other lab or kubelet has.
 */
export const markVariable = 'KONNSIM_CONTAINER';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentOptions {
  readonly pod: Pod;
  readonly container: Container;
  /** The container's folder, which is its home. */
  readonly folder: string;
}

/** The variables of a container: those of its spec, and the few that every container has. None of the host's but PATH. */
export function environmentOf({ pod, container, folder }: EnvironmentOptions): Record<string, string> {
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? defaultPath,
    HOSTNAME: pod.metadata.name,
    HOME: folder,
  };
  for (const { name, value } of container.env ?? []) base[name] = expand(value ?? '', base);
  return { ...base, [markVariable]: folder };
}

/** Puts variables in for `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, and an unknown name as it is. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_.-][\w.-]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return variables[name] ?? whole;
  });
}
