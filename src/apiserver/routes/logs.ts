import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../../core/errors.js';
import type { StreamSink } from '../http/stream-sink.js';
import { statusFromKubelet } from '../kubelet/answer-status.js';
import { getFromKubelet } from '../kubelet/get-from-kubelet.js';
import { chooseContainer, encodeQuery, findPod, kubeletOfPod } from '../kubelet/target.js';
import type { RequestContext } from '../request/exchange.js';
import type { Facade } from '../serving/facade.js';
import { parseLogOptions } from './log-options.js';

/** GET of `pods/NAME/log`: the kubelet's bytes as they arrive, at the pace of the client. */
export async function handleLogs(
  facade: Facade,
  context: RequestContext,
  { namespace, name, sink }: { namespace: string; name: string; sink: StreamSink },
): Promise<void> {
  const pod = findPod(facade.store, namespace, name);
  const options = parseLogOptions(context.query, name);
  const container = chooseContainer(pod, options.container);
  const endpoint = kubeletOfPod(facade, pod);
  if (endpoint === undefined) return sink.answer(204);
  const done = facade.streams.open('log');
  try {
    const query = encodeQuery(options.kubeletQuery);
    const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join('/')}`;
    const answer = await getFromKubelet(facade.kubelets, endpoint, query === '' ? path : `${path}?${query}`, {
      request: context.id,
      signal: context.signal,
      insecure: options.insecureBackend,
    });
    if (answer.statusCode !== 200) throw await statusFromKubelet(answer, name);
    await copy(facade, answer, { sink, signal: context.signal });
  } finally {
    done();
  }
}

/** Copies until either end closes. If the kubelet's connection breaks, the answer is aborted. */
async function copy(
  facade: Facade,
  answer: IncomingMessage,
  { sink, signal }: { readonly sink: StreamSink; readonly signal: AbortSignal },
): Promise<void> {
  try {
    if (!sink.begin('text/plain')) return;
    for await (const chunk of answer) {
      if (!(await sink.write(chunk as Buffer))) return;
    }
  } catch (caught) {
    if (signal.aborted) return;
    if (!facade.faithful.has('log-cut-is-complete')) throw cutError(answer, caught);
  } finally {
    answer.destroy();
  }
  sink.end();
}

function cutError(answer: IncomingMessage, caught: unknown): TunnelError {
  const cause = answer.socket.errored ?? caught;
  if (cause instanceof TunnelError) return cause;
  return new TunnelError('TUNNEL_CLOSED', 'the kubelet went away in the middle of the log', { cause });
}
