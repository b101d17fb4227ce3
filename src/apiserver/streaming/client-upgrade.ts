import { TunnelError } from '../../core/errors.js';
import type { UpgradeAnswer } from '../../streams/http-upgrade.js';
import type { StreamProtocol } from '../../streams/types.js';
import { answerStatusError, echoRefusal } from './client-response.js';
import { askKubelet, type KubeletAsk } from './kubelet-connection.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';

/** An upgraded connection to the kubelet, or how the request has ended without one. */
export type KubeletSide =
  | { readonly kind: 'upgraded'; readonly answer: Extract<UpgradeAnswer, { kind: 'upgraded' }> }
  | { readonly kind: 'over'; readonly outcome: StreamingOutcome };

/** A refusal is passed on unchanged; a kubelet that cannot be dialled is a 500, `error dialing backend: …`. */
export async function reachKubelet(
  request: StreamingRequest,
  ask: KubeletAsk,
  protocol: StreamProtocol,
): Promise<KubeletSide> {
  const { socket: client } = request.upgrade;
  const gone = new AbortController();
  const abort = (): void => gone.abort(new TunnelError('DIAL_CANCELLED', 'the client is gone'));
  client.once('close', abort);
  if (client.destroyed) abort();
  try {
    const answer = await askKubelet(request, ask, gone.signal);
    if (answer.kind === 'upgraded') return { kind: 'upgraded', answer };
    return { kind: 'over', outcome: { protocol, ...refuse(request, answer) } };
  } catch (error) {
    if (gone.signal.aborted)
      return { kind: 'over', outcome: { protocol, status: 499, error: 'the client is gone' } };
    const { code, message: reason } = TunnelError.from(error);
    const message = `error dialing backend: ${reason}`;
    answerStatusError(client, message, request.clock);
    return { kind: 'over', outcome: { protocol, status: 500, error: message, code } };
  } finally {
    client.off('close', abort);
  }
}

function refuse(
  { upgrade, clock }: StreamingRequest,
  answer: Extract<UpgradeAnswer, { kind: 'refused' }>,
): { readonly status: number; readonly error: string } {
  if (answer.status >= 400) {
    echoRefusal(upgrade.socket, answer, clock);
    return { status: answer.status, error: answer.body.toString('utf8').trim() };
  }
  const message = `invalid upgrade response: status code ${answer.status}`;
  answerStatusError(upgrade.socket, message, clock);
  return { status: 500, error: message };
}
