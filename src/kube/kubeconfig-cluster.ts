import type { KubeTls } from './access.js';
import { inlineOrFile, type Kubeconfig } from './inline-or-file.js';
import type { KubeconfigCluster } from './kubeconfig-schema.js';

/** The TLS settings for a cluster of a kubeconfig. Throws CONFIG_INVALID. */
export function clusterTls(file: Kubeconfig, cluster: KubeconfigCluster): () => KubeTls {
  const ca = inlineOrFile(file, {
    field: 'certificate-authority',
    data: cluster['certificate-authority-data'],
    path: cluster['certificate-authority'],
  });
  const insecure = cluster['insecure-skip-tls-verify'] ?? false;
  if (insecure && ca !== undefined) {
    throw file.invalid('specifying a root certificates file with the insecure flag is not allowed');
  }
  const serverName = cluster['tls-server-name'] ?? '';
  return () => ({
    ...(ca === undefined ? {} : { ca: ca() }),
    ...(serverName === '' ? {} : { serverName }),
    ...(insecure ? { insecure } : {}),
  });
}
