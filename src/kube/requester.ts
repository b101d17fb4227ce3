import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import type { KubeAccess } from './access.js';
import { readBody } from './read-body.js';
import { RequestDeadline } from './request-deadline.js';
import { KubeStatusError, readStatus } from './status-error.js';
import { type RateLimit, TokenBucket, usualRateLimit } from './token-bucket.js';
import { type HttpCall, Transport } from './transport.js';

export interface RequesterOptions {
  readonly access: KubeAccess;
  readonly clock: Clock;
  /** Default: client-go's. */
  readonly limit?: RateLimit;
  /** The highest number of connections. Each open watch holds one. Default: any number. */
  readonly connections?: number;
  /** The time limit of a request in ms, with its wait in the queue and its answer. Default 30 s. */
  readonly timeoutMs?: number;
  readonly userAgent?: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface ApiRequest extends CallOptions {
  readonly method: HttpCall['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; default `application/json`. */
  readonly contentType?: string;
}

/** How often we follow a `Retry-After`, as in client-go. */
const maxRetries = 10;

/** Sends requests to an API, within the rate limit and the time limit. Tries again when the server asks for it. */
export class Requester {
  private readonly options: RequesterOptions;
  private readonly transport: Transport;
  private readonly bucket: TokenBucket;
  private readonly closing = new AbortController();

  constructor(options: RequesterOptions) {
    this.options = options;
    // Each request listens until it ends.
    setMaxListeners(0, this.closing.signal);
    this.transport = new Transport(options.access, options.connections);
    this.bucket = new TokenBucket(options.limit ?? usualRateLimit, options.clock);
  }

  /** The object in the answer. Rejects with a KubeStatusError (API_REFUSED), or API_UNREACHABLE. */
  async json(request: ApiRequest): Promise<unknown> {
    const bounds = this.bounds(request);
    try {
      const response = await this.answered(request, bounds);
      return parsed(await this.body(request, response));
    } finally {
      bounds.close();
    }
  }

  /** The answer's stream. It has no time limit; `signal` ends it. Rejects as `json` does. */
  async stream(request: ApiRequest): Promise<IncomingMessage> {
    const bounds = this.bounds(request);
    try {
      const response = await this.answered(request, bounds);
      bounds.stopTimer();
      response.once('close', () => bounds.close());
      return response;
    } catch (caught) {
      bounds.close();
      throw caught;
    }
  }

  close(): void {
    this.closing.abort();
    this.transport.close();
  }

  private bounds({ signal, timeoutMs = this.options.timeoutMs ?? 30_000 }: CallOptions): RequestDeadline {
    const { clock } = this.options;
    return new RequestDeadline({ clock, timeoutMs, signals: [signal, this.closing.signal] });
  }

  private async answered(request: ApiRequest, bounds: RequestDeadline): Promise<IncomingMessage> {
    for (let retries = 0; ; retries += 1) {
      await this.turn(request, bounds);
      const response = await this.transport.open({ ...this.httpCall(request), signal: bounds.signal });
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return response;
      const body = await this.body(request, response);
      const afterMs = retryAfterMs(response);
      if (afterMs === undefined || retries >= maxRetries || afterMs > bounds.remainingMs) {
        throw new KubeStatusError(readStatus(statusCode, body), this.options.access.server.host);
      }
      await pause(this.options.clock, afterMs, bounds.signal);
      bounds.signal.throwIfAborted();
    }
  }

  private async turn(request: ApiRequest, bounds: RequestDeadline): Promise<void> {
    const waitMs = this.bucket.take(bounds.remainingMs);
    if (waitMs === undefined) {
      const why = 'client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline';
      throw new TunnelError('API_UNREACHABLE', this.transport.describe(request, why));
    }
    if (waitMs === 0) return;
    await pause(this.options.clock, waitMs, bounds.signal);
    bounds.signal.throwIfAborted();
  }

  private async body(request: ApiRequest, response: IncomingMessage): Promise<string> {
    try {
      return await readBody(response);
    } catch (caught) {
      const { message } = TunnelError.from(caught);
      throw new TunnelError('API_UNREACHABLE', this.transport.describe(request, message), { cause: caught });
    }
  }

  private httpCall({ method, path, query = {}, body, contentType }: ApiRequest): Omit<HttpCall, 'signal'> {
    const { userAgent = 'konnectivity-sim' } = this.options;
    const search = searchOf(query);
    const call = { method, path: search === '' ? path : `${path}?${search}` };
    const headers = { accept: 'application/json', 'user-agent': userAgent };
    if (body === undefined) return { ...call, headers };
    const text = JSON.stringify(body);
    const ofBody = {
      'content-type': contentType ?? 'application/json',
      'content-length': String(Buffer.byteLength(text)),
    };
    return { ...call, headers: { ...headers, ...ofBody }, body: text };
  }
}

function searchOf(query: Readonly<Record<string, string | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, value);
  }
  return search.toString();
}

/** As in client-go: a busy or failing server may say when to try again. */
function retryAfterMs({ statusCode = 0, headers }: IncomingMessage): number | undefined {
  const after = headers['retry-after'] ?? '';
  if ((statusCode !== 429 && statusCode < 500) || !/^\d{1,6}$/.test(after)) return undefined;
  return Number(after) * 1000;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new TunnelError('PROTOCOL_VIOLATION', 'the answer of the Kubernetes API is not JSON', { cause });
  }
}
