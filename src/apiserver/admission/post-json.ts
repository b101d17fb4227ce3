import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../../core/clock.js';
import { agentLostText } from '../../core/dial-texts.js';
import { TunnelError } from '../../core/errors.js';
import { endsOf, goText } from '../../core/go-texts.js';
import { startClientTls } from '../kubelet/client-tls.js';
import { goErrorText } from '../kubelet/go-errors.js';
import type { JsonObject } from '../resources/json.js';
import { brokenBody, malformedText, readBody, readJson } from './answer-body.js';
import type { Destination } from './destination.js';
import { CallFailure } from './failures.js';
import type { Opened, PooledOptions, WebhookConnections } from './webhook-connections.js';

export interface Post {
  readonly destination: Destination;
  readonly connections: WebhookConnections;
  /** Calls of the same name share connections. */
  readonly pool: string;
  /** Called when a kept connection carries the call; `openedBy` is the API request that opened it. */
  readonly onReuse: (openedBy: string) => void;
  /** With its query, as error texts have it. */
  readonly url: string;
  /** PEM; when absent, the CAs that the machine trusts. */
  readonly ca: string | undefined;
  readonly body: JsonObject;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Cancels the call: `context canceled`. */
  readonly signal: AbortSignal;
  /** ID of the API request that this call serves. */
  readonly request: string;
}

/**
 * POSTs JSON over TLS (HTTP/1.1) and resolves with the JSON of the answer. A call takes a kept
 * connection or dials a new one, which is kept for later calls. Name lookup, dial, handshake and answer share one time
 * limit. Rejects with a CallFailure in the words of kube-apiserver: `failed to call webhook: Post "URL": …`.
 */
export async function postJson(post: Post): Promise<JsonObject> {
  const { clock, timeoutMs, signal } = post;
  const over = new AbortController();
  const giveUp = (text: string) => (): void => over.abort(new Error(text));
  const cancelled = giveUp('context canceled');
  const timer = clock.after(timeoutMs, giveUp('context deadline exceeded'));
  signal.addEventListener('abort', cancelled, { once: true });
  if (signal.aborted) cancelled();
  try {
    const answer = await unlessOver(send(post, over.signal), over.signal).catch((caught: unknown) => {
      const text = malformedText(caught) ?? goErrorText(caught, post.destination.serverName);
      throw new CallFailure(`failed to call webhook: Post "${post.url}": ${text}`);
    });
    return await readJson(answer, await unlessOver(readBody(answer), over.signal).catch(brokenBody));
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', cancelled);
    // Destroys the connection, unless the answer was read to its end: then it is not this call's any more.
    over.abort(new Error('done'));
  }
}

/** Go's transport returns as soon as the time is over, even if the dialer is still working. */
function unlessOver<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function send(post: Post, signal: AbortSignal): Promise<IncomingMessage> {
  const { connections, pool, url, body, request } = post;
  const { pathname, search } = new URL(url);
  // Node's URL leaves the port 443 out.
  const host = url.split('/')[2];
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = {
    host,
    'user-agent': 'kube-apiserver-admission',
    'content-type': 'application/json',
    accept: 'application/json, */*',
    'accept-encoding': 'gzip',
    'content-length': bytes.length,
  };
  const pooled: PooledOptions = { pool, user: request, open: () => open(post, signal) };
  const options = { method: 'POST', path: `${pathname}${search}`, headers, agent: connections, signal };
  let answer: IncomingMessage | undefined;
  while (answer === undefined) answer = await attempt(post, { ...options, ...pooled }, bytes);
  return answer;
}

/** Undefined: the kept connection had ended before it took a byte. Then Go takes another one, or dials, silently. */
function attempt(post: Post, options: PooledOptions, bytes: Buffer): Promise<IncomingMessage | undefined> {
  const { connections, onReuse } = post;
  return new Promise((resolve, reject) => {
    const call = httpRequest(options, resolve);
    let tookNothing = (): boolean => false;
    call.on('error', (error) => {
      if (tookNothing() && 'syscall' in error) resolve(undefined);
      else reject(error);
    });
    call.once('socket', (connection) => {
      if (!call.reusedSocket) return;
      const before = connections.writes(connection);
      tookNothing = () => connections.writes(connection) === before;
      if (connection.writable && connection.readable) {
        onReuse(connections.openedBy(connection));
      } else {
        resolve(undefined);
        call.destroy();
      }
    });
    call.end(bytes);
  });
}

async function open({ destination, ca, clock, request }: Post, signal: AbortSignal): Promise<Opened> {
  const { serverName } = destination;
  const secureContext = trust(ca);
  const raw = await destination.dial({ signal, request });
  speakGo(raw);
  let writes = 0;
  const connection = await startClientTls(raw, {
    secureContext,
    rejectUnauthorized: true,
    host: serverName,
    signal,
    clock,
    where: `webhook ${serverName}`,
    asHttpClient: true,
    written: () => writes++,
  });
  return { connection, tunnelled: !(raw instanceof Socket), writes: () => writes };
}

/**
 * Makes an error of the connection say what Go says: the ends of a TCP connection, which a broken socket does not know
 * any more, and nothing of the loss of a tunnel, which ends its connections in order.
 */
function speakGo(raw: Duplex): void {
  const ends = raw instanceof Socket && raw.remoteAddress !== undefined ? endsOf(raw) : undefined;
  raw.prependOnceListener('error', (error) => {
    const isLoss =
      error instanceof TunnelError && error.code === 'TUNNEL_CLOSED' && error.message !== agentLostText;
    error.message = isLoss ? 'EOF' : goText(error.message, ends);
  });
}

function trust(ca: string | undefined): SecureContext {
  try {
    return createSecureContext(ca === undefined ? {} : { ca });
  } catch {
    throw new Error('unable to load root certificates: unable to parse bytes as PEM block');
  }
}
