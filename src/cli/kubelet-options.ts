import type { Option } from 'commander';
import type { Clock } from '../core/clock.js';
import type { KubeClient } from '../kube/kube-client.js';
import type { AccessOptions } from '../kubelet-stub/auth/access-control.js';
import { accessReviewer, tokenReviewer } from '../kubelet-stub/auth/reviews.js';
import type { KubeletTls } from '../kubelet-stub/tls-port.js';
import { runtimeKinds } from '../lab/create-runtime.js';
import { type Renewable, renewableAs, type TlsFiles } from '../wire/net/tls.js';
import { option, someText } from './values.js';

export interface AccessFlags {
  /** As kubelet's flag: `AlwaysAllow` lets every known client do everything, `Webhook` asks the API. */
  readonly authorizationMode?: 'AlwaysAllow' | 'Webhook';
  readonly anonymousAuth?: boolean;
}

/** Options of all roles with kubelets. */
export const kubeletOptions = {
  runtime: () =>
    option('--runtime <kind>', 'sandbox: in memory; process: real processes of this host, with your rights')
      .choices(runtimeKinds)
      .default('sandbox'),
  kubeconfig: () =>
    option(
      '--kubeconfig <file>',
      'take pods from this API, register the node there, and ask it about tokens and rights',
    ).argParser(someText),
  authorizationMode: () =>
    option('--authorization-mode <mode>', 'Webhook asks the API and is the default with an API').choices([
      'AlwaysAllow',
      'Webhook',
    ]),
  anonymousAuth: () => option('--anonymous-auth', 'accept clients without credentials as system:anonymous'),
} as const satisfies Record<string, () => Option>;

export function asKubeletTls(files: Renewable<TlsFiles>): Renewable<KubeletTls> {
  return renewableAs(files, ({ ca: clientCa, cert, key }) => ({ cert, key, clientCa }));
}

/**
 * Who may do what, by the name of the node. With an API, the API decides it. Without one, every certificate of the CA may
 * do everything.
 */
export function accessTo(
  { anonymousAuth: anonymous = false, authorizationMode = 'Webhook' }: AccessFlags,
  { api, clock }: { readonly api: KubeClient | undefined; readonly clock: Clock },
): (nodeName: string) => AccessOptions {
  if (api === undefined) return () => ({ anonymous });
  const tokens = tokenReviewer(api, clock);
  if (authorizationMode === 'AlwaysAllow') return () => ({ anonymous, tokens });
  return (nodeName) => ({ anonymous, tokens, authorizer: accessReviewer(api, clock, { nodeName }) });
}
