import { join } from 'node:path';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { KubeAccess } from './access.js';
import { FileText } from './file-text.js';
import { bearer } from './token-header.js';

export interface InClusterOptions {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder where the service account is mounted. */
  readonly folder?: string;
}

const mounted = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The access that every pod has. Throws CONFIG_INVALID outside of a cluster, FILE_UNREADABLE without an account. */
export function inClusterAccess({ clock, env, folder = mounted }: InClusterOptions): KubeAccess {
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'] ?? '', env['KUBERNETES_SERVICE_PORT'] ?? ''];
  if (host === '' || port === '') {
    const text =
      'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined';
    throw new TunnelError('CONFIG_INVALID', text, { hint: 'Name a kubeconfig, or run it in a pod.' });
  }
  const tokenPath = join(folder, 'token');
  const [token, ca] = [new FileText(tokenPath, clock), new FileText(join(folder, 'ca.crt'), clock)];
  token.read();
  ca.read();
  return {
    server: new URL(`https://${joinHostPort(host, Number(port))}`),
    tls: () => ({ ca: ca.read() }),
    headers: () => ({ authorization: bearer(token.read(), tokenPath) }),
  };
}
