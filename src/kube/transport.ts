import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions, request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import { TunnelError } from '../core/errors.js';
import { transportText } from '../wire/net/transport-text.js';
import type { KubeAccess } from './access.js';

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, without the base path of the server. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** After this time an idle connection is tested. A connection that died silently must not hold a watch for hours. */
const probeMs = 30_000;

/** Idle connections that are kept when there may be any number of them. */
const keptConnections = 2;

/** HTTP/1.1 over kept connections. A renewed certificate gets new connections. */
export class Transport {
  private readonly access: KubeAccess;
  private readonly agent: HttpAgent | HttpsAgent;

  /** At most so many connections at a time; requests wait for one. Default: any number. */
  constructor(access: KubeAccess, connections?: number) {
    this.access = access;
    const bounds = { maxFreeSockets: connections ?? keptConnections, maxSockets: connections ?? Infinity };
    const options = { keepAlive: true, keepAliveMsecs: probeMs, ...bounds };
    this.agent = access.server.protocol === 'https:' ? new ContextAgent(options) : new HttpAgent(options);
  }

  /** The error text: `Get "https://host/path": ` and the reason. */
  describe({ method, path }: Pick<HttpCall, 'method' | 'path'>, why: string): string {
    const verb = method.charAt(0) + method.slice(1).toLowerCase();
    return `${verb} "${this.access.server.origin}${this.prefix()}${path}": ${why}`;
  }

  /** Resolves with the head of the answer. Rejects with API_UNREACHABLE, and with what the access throws. */
  async open(call: HttpCall): Promise<IncomingMessage> {
    for (;;) {
      try {
        return await this.attempt(call);
      } catch (caught) {
        // The server may have closed a kept connection in the meantime. That does not mean that the server is down.
        if (!(caught instanceof StaleConnection)) throw caught;
      }
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private attempt(call: HttpCall): Promise<IncomingMessage> {
    const options = this.requestOptions(call);
    const { signal } = call;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(this.failure(call, signal.reason));
        return;
      }
      const request = this.access.server.protocol === 'https:' ? requestHttps(options) : requestHttp(options);
      const giveUp = (): void => void request.destroy(signal.reason as Error);
      signal.addEventListener('abort', giveUp, { once: true });
      request.on('error', (error: Error & { code?: string }) => {
        signal.removeEventListener('abort', giveUp);
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale ? new StaleConnection() : this.failure(call, error));
      });
      request.once('response', (response) => {
        signal.removeEventListener('abort', giveUp);
        guard(response, signal);
        resolve(response);
      });
      request.end(call.body);
    });
  }

  private requestOptions({ method, path, headers }: HttpCall): RequestOptions {
    const { server } = this.access;
    const { ca, cert, key, serverName, insecure = false } = this.access.tls();
    const own = Object.entries(this.access.headers()).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [...value],
    ]);
    return {
      agent: this.agent,
      method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? undefined : Number(server.port),
      path: this.prefix() + path,
      headers: { ...headers, ...Object.fromEntries(own) },
      ca,
      cert,
      key,
      rejectUnauthorized: !insecure,
      ...(serverName === undefined ? {} : { servername: serverName }),
    };
  }

  private prefix(): string {
    return this.access.server.pathname.replace(/\/$/, '');
  }

  private failure(call: HttpCall, cause: unknown): TunnelError {
    const text = cause instanceof Error ? transportText(cause.message) : '';
    const why = text === '' ? 'the connection failed' : text;
    return new TunnelError('API_UNREACHABLE', this.describe(call, why), { cause });
  }
}

/** Makes one TLS context for all its connections, and a new one after a renewal: each costs a millisecond. */
class ContextAgent extends HttpsAgent {
  private texts: readonly unknown[] = [];
  private context: SecureContext | undefined;

  override createConnection(
    options: ConnectionOptions,
    ...rest: [callback?: (error: Error | null, stream: Duplex) => void]
  ): Duplex | null | undefined {
    const { ca, cert, key } = options;
    const texts = [ca, cert, key];
    if (this.context === undefined || texts.some((text, index) => text !== this.texts[index]))
      this.context = createSecureContext({ ca, cert, key });
    this.texts = texts;
    const secured: ConnectionOptions = { ...options, secureContext: this.context };
    return super.createConnection(secured, ...rest);
  }
}

class StaleConnection extends Error {}

/** Ends the answer when its caller aborts, and handles its errors. */
function guard(response: IncomingMessage, signal: AbortSignal): void {
  const giveUp = (): void => void response.destroy(signal.reason as Error);
  response.on('error', () => undefined);
  response.once('close', () => signal.removeEventListener('abort', giveUp));
  signal.addEventListener('abort', giveUp, { once: true });
}
