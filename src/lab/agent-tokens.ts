import {
  createTokenKeys,
  signServiceAccountToken,
  type TokenKeys,
} from '../apiserver/auth/service-account-tokens.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { WallClock } from '../core/wall-clock.js';
import { KubeClient } from '../kube/kube-client.js';
import { rfc3339 } from '../kube/time.js';
import { kubeletRateLimit } from '../kubelet-stub/pod-source/pod-source.js';
import type { FaultPoints } from '../links/fault-points.js';
import type { WrongToken } from '../links/part-faults/token.js';
import { type CertificateSet, leafTls } from '../pki/certificate-set.js';
import type { AgentTokenOptions } from '../server/token-review.js';

const account = {
  namespace: 'kube-system',
  name: 'konnectivity-agent',
  uid: '00000000-0000-4000-a000-000000000003',
} as const;
const audience = 'system:konnectivity-server';
const lifeSeconds = 3600;

export interface AgentTokensContext {
  readonly store: LocalStore;
  readonly certificates: CertificateSet;
  readonly clock: Clock;
  readonly now: WallClock;
}

/** The tokens of the agents' service account, and the client with which servers let the API check them. */
export class LabAgentTokens {
  /** The keys of the API. */
  readonly keys: TokenKeys = createTokenKeys();
  private readonly context: AgentTokensContext;
  private readonly now: WallClock;
  private client: KubeClient | undefined;

  constructor(context: AgentTokensContext) {
    this.context = context;
    this.now = context.now;
    const metadata = { ...account, creationTimestamp: rfc3339(this.now()) };
    context.store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }

  /** Where the API is: before the first agent connects. */
  tell(url: string): void {
    const { certificates, clock } = this.context;
    const tls = leafTls(certificates, 'admin');
    const access = { server: new URL(url), tls: () => tls, headers: () => ({}) };
    this.client = new KubeClient({ access, clock, limit: kubeletRateLimit });
  }

  /** For a server, which may start before the API is known. */
  review(): AgentTokenOptions {
    const client = (): KubeClient => {
      if (this.client !== undefined) return this.client;
      throw new TunnelError('NOT_READY', 'the API is not known yet');
    };
    const { namespace, name: serviceAccount } = account;
    return {
      ...{ namespace, serviceAccount, audience },
      get client() {
        return client();
      },
    };
  }

  /** What an agent with these faults shows at its next connection. */
  metadata(faults: FaultPoints): Readonly<Record<string, string>> {
    const wrong = faults.meet('token')?.is;
    const audiences = [wrong === 'otherAudience' ? 'system:elsewhere' : audience];
    const wish = { ...account, audiences, expirationSeconds: lifeSeconds };
    return {
      authorization: `Bearer ${signServiceAccountToken(this.keys, wish, this.now() + leadMs(wrong))}`,
    };
  }

  async close(): Promise<void> {
    await this.client?.close();
  }
}

/** By how much the dates of a token are wrong. */
function leadMs(is: WrongToken | undefined): number {
  if (is === 'expired') return -2 * lifeSeconds * 1000;
  return is === 'notYetValid' ? lifeSeconds * 1000 : 0;
}
