import type { KubeClient } from '../kube/kube-client.js';
import { reviewToken, type TokenReviewStatus } from '../kube/token-review.js';

/** The service account that agents must have, proved by its token. */
export interface AgentTokenOptions {
  /** A client of the API that checks the tokens. The caller closes it. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The audience that the tokens must have. */
  readonly audience: string;
}

const scheme = 'Bearer ';

/** Asks the API whose token an agent has in its metadata. Texts are Konnectivity's, because users search for them. */
export class TokenAuthenticator {
  private readonly options: AgentTokenOptions;

  constructor(options: AgentTokenOptions) {
    this.options = options;
  }

  /** Takes an agent's `authorization` fields. Resolves with the reason of a refusal, or with undefined when the agent is the
   * expected one. */
  async fault(tokens: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const [token] = tokens;
    if (token === undefined) return 'Authentication context was not found in metadata';
    if (tokens.length > 1) return `too many (${tokens.length}) tokens are received`;
    if (!token.startsWith(scheme)) return 'received token does not have "Bearer " prefix';
    const fault = await this.reviewFault(token.slice(scheme.length), signal);
    return fault === undefined ? undefined : `Failed to validate authentication token, err:${fault}`;
  }

  private async reviewFault(token: string, signal: AbortSignal): Promise<string | undefined> {
    const { client, audience } = this.options;
    try {
      return this.statusFault(await reviewToken(client, { token, audiences: [audience] }, { signal }));
    } catch (caught) {
      return `Failed to authenticate request. err:${caught instanceof Error ? caught.message : String(caught)}`;
    }
  }

  private statusFault({ error = '', authenticated, user }: TokenReviewStatus) {
    if (error !== '') return `lookup failed: ${error}`;
    if (authenticated !== true) return 'lookup failed: service account jwt not valid';
    const fault = this.userFault((user?.username ?? '').split(':'));
    return fault === undefined ? undefined : `lookup failed: ${fault}`;
  }

  /** `system:serviceaccount:NAMESPACE:NAME`. */
  private userFault(parts: readonly string[]): string | undefined {
    const [system, kind, namespace = '', name = ''] = parts;
    if (parts.length !== 4) return 'unexpected username format';
    if (system !== 'system' || kind !== 'serviceaccount') return 'username returned is not a service account';
    const { namespace: ownNamespace, serviceAccount } = this.options;
    if (namespace !== ownNamespace) return unexpected('namespace', namespace, ownNamespace);
    return name === serviceAccount ? undefined : unexpected('service account', name, serviceAccount);
  }
}

function unexpected(what: string, got: string, expected: string): string {
  return `incoming request from ${JSON.stringify(got)} ${what}. Expected ${JSON.stringify(expected)}`;
}
