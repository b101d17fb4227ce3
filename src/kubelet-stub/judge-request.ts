import { pause } from '../core/pause.js';
import type { PartSettings } from '../links/fault-points.js';
import { type Credentials, forbidden, type Refused, type Verdict } from './auth/access-control.js';
import type { NodeAttributes, UserInfo } from './auth/user.js';
import type { DoorContext } from './door-context.js';

/** The first subresource of what a kubelet does not serve without its debugging handlers: exec, logs, and the like. */
const debugging = new Set(['proxy', 'log']);

/** Whether a request may pass: who asks, what that user may do, and the faults of this kubelet. Never rejects. */
export async function judgeRequest(
  { faults, access, clock, closing }: Pick<DoorContext, 'faults' | 'access' | 'clock' | 'closing'>,
  credentials: Credentials,
  attributes: NodeAttributes,
): Promise<Verdict> {
  const slow = faults.meet('slow', {}, ({ at }) => at === 'answer');
  if (slow !== undefined) await pause(clock, slow.delay, closing);
  const verdict = await access.check(credentials, attributes);
  if (verdict.kind === 'refused') return verdict;
  const isDebugging = debugging.has(attributes.subresources[0] ?? '');
  const answer = faults.meet('answer', {}, ({ status }) => status !== 405 || isDebugging);
  return answer === undefined ? verdict : refusal(answer, verdict.user, attributes);
}

/** What a kubelet says: for 405 without its debugging handlers, for 500 and 503 without its container runtime. */
function refusal(
  { status, text }: PartSettings<'answer'>,
  user: UserInfo,
  attributes: NodeAttributes,
): Refused {
  const kind = 'refused';
  if (text !== undefined) return { kind, status, text, reason: text };
  switch (status) {
    case 401:
      return {
        kind,
        status,
        text: 'Unauthorized',
        reason: 'Unauthorized: the client certificate was not accepted',
      };
    case 403:
      return forbidden(user, attributes);
    case 405:
      return {
        kind,
        status,
        text: 'Debug endpoints are disabled.\n',
        reason: 'Debug endpoints are disabled.',
      };
    default:
      return { kind, status, text: noRuntimeText, reason: noRuntimeText };
  }
}

const noRuntimeText =
  'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"';
