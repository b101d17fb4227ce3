import { TunnelError } from '../../core/errors.js';
import type { PeerIdentity } from './peer-identity.js';
import { authenticatedGroup } from './reviews.js';
import {
  type Authorizer,
  alwaysAllow,
  type NodeAttributes,
  type TokenAuthenticator,
  type UserInfo,
} from './user.js';

export interface AccessOptions {
  /** Whether a client without credentials is accepted as `system:anonymous`. Default false: it is refused. */
  readonly anonymous?: boolean;
  /** Checks bearer tokens. Without it every token is invalid. */
  readonly tokens?: TokenAuthenticator;
  /** Default: every authenticated user may do everything. */
  readonly authorizer?: Authorizer;
}

export interface Credentials {
  readonly certificate: PeerIdentity;
  readonly token?: string | undefined;
  /** Why a token cannot be read. */
  readonly fault?: string;
}

/** `refused`: `text` is for the peer, `reason` for the log. */
export type Verdict = { readonly kind: 'allowed'; readonly user: UserInfo } | Refused;

export interface Refused {
  readonly kind: 'refused';
  readonly status: 401 | 403 | 405 | 500 | 503;
  readonly text: string;
  readonly reason: string;
}

type Identified = { readonly user: UserInfo } | { readonly reason: string };

const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

function askedText(user: UserInfo, { verb }: NodeAttributes): string {
  return `user=${user.name}, verb=${verb}, resource=nodes`;
}

/** The refusal of a user who may not do this. */
export function forbidden(user: UserInfo, attributes: NodeAttributes): Refused {
  const subresources = attributes.subresources.join(' ');
  const reason = `Forbidden (${askedText(user, attributes)}, subresource(s)=[${subresources}])`;
  return { kind: 'refused', status: 403, text: `${reason}\n`, reason };
}

export class AccessControl {
  private readonly options: AccessOptions;

  constructor(options: AccessOptions) {
    this.options = options;
  }

  /** Never rejects: when the check itself fails, the verdict is `refused`. */
  async check(credentials: Credentials, attributes: NodeAttributes): Promise<Verdict> {
    const found = await this.identify(credentials);
    if (!('user' in found)) {
      return { kind: 'refused', status: 401, text: 'Unauthorized', reason: `Unauthorized: ${found.reason}` };
    }
    const { user } = found;
    const { verb, subresources } = attributes;
    const asked = askedText(user, attributes);
    const { authorizer = alwaysAllow } = this.options;
    for (const subresource of subresources) {
      try {
        const allowed = await authorizer.authorize(user, { verb, subresources: [subresource] });
        if (allowed) return { kind: 'allowed', user };
      } catch (caught) {
        const text = `Authorization error (${asked}, subresource=${subresource})`;
        return { kind: 'refused', status: 500, text, reason: `${text}: ${TunnelError.from(caught).message}` };
      }
    }
    return forbidden(user, attributes);
  }

  /** A certificate goes first, then a token. An invalid credential is refused, never treated as anonymous. */
  private async identify({ certificate, token, fault }: Credentials): Promise<Identified> {
    if (certificate.kind === 'client') {
      return { user: { name: certificate.name, groups: [...certificate.groups, authenticatedGroup] } };
    }
    const { tokens, anonymous = false } = this.options;
    if (fault !== undefined && tokens !== undefined) return { reason: fault };
    if (token !== undefined && tokens !== undefined) {
      try {
        const user = await tokens.authenticate(token);
        return user === undefined ? { reason: 'invalid bearer token' } : { user };
      } catch (caught) {
        return { reason: `the token could not be reviewed: ${TunnelError.from(caught).message}` };
      }
    }
    if (anonymous && certificate.isAbsent) return { user: anonymousUser };
    return { reason: certificate.reason };
  }
}
