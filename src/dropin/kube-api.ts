import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { KubeAccess } from '../kube/access.js';
import { inClusterAccess } from '../kube/in-cluster.js';
import { KubeClient } from '../kube/kube-client.js';
import { readKubeconfig } from '../kube/kubeconfig.js';
import { type RateLimit, usualRateLimit } from '../kube/token-bucket.js';
import { proxyFor } from '../wire/net/proxy-environment.js';
import type { Klog } from './klog.js';

export interface KubeApiFlags {
  /** Absent for the configuration that pods find in their cluster. */
  readonly kubeconfig: string | undefined;
  /** The limit of requests. 0 in either field means the usual limit. */
  readonly kubeLimit?: RateLimit;
}

interface KubeContext {
  readonly clock: Clock;
  /** Aborting ends the wait for a kubeconfig from a pipe. */
  readonly signal: AbortSignal;
  readonly log: Klog;
}

/** Opens a client of the Kubernetes API from the program's flags. Rejects with CONFIG_INVALID or FILE_UNREADABLE. */
export async function openKubeApi(
  flags: KubeApiFlags,
  program: string,
  context: KubeContext,
): Promise<KubeClient> {
  const { qps, burst } = flags.kubeLimit ?? usualRateLimit;
  const limit = {
    qps: qps === 0 ? usualRateLimit.qps : qps,
    burst: burst === 0 ? usualRateLimit.burst : burst,
  };
  const access = await accessOf(flags, context);
  warnOfProxy(access, context.log);
  return new KubeClient({
    access,
    clock: context.clock,
    limit,
    userAgent: program,
  });
}

/** Konnectivity's programs use the proxy of the environment for the API, too. */
function warnOfProxy({ server: { hostname, port, origin } }: KubeAccess, log: Klog): void {
  if (proxyFor(process.env, hostname, Number(port || 443)) === undefined) return;
  log.say('W', `HTTPS_PROXY is not used for the Kubernetes API: ${origin} is dialled directly`);
}

async function accessOf({ kubeconfig }: KubeApiFlags, context: KubeContext): Promise<KubeAccess> {
  try {
    return kubeconfig === undefined
      ? inClusterAccess({ clock: context.clock, env: process.env })
      : await readKubeconfig(kubeconfig, context);
  } catch (caught) {
    const { code, message, where, hint } = TunnelError.from(caught, 'CONFIG_INVALID');
    const kind = kubeconfig === undefined ? 'in cluster kubernetes' : 'kubernetes';
    const text = `failed to load ${kind} client config: ${message}`;
    throw new TunnelError(code, text, { cause: caught, hint, ...(where === undefined ? {} : { where }) });
  }
}
