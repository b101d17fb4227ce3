import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { soon } from './waits.js';

/** An object as the test API keeps it. */
export interface Stored {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; namespace?: string; resourceVersion?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

interface Watcher {
  readonly collection: string;
  readonly selector: string;
  readonly response: ServerResponse;
}

type TokenAnswer = { username: string; audiences?: readonly string[] } | { error: string };

/**
 * A Kubernetes API in small, over real HTTP or TLS: objects of any kind with versions, conflicts, preconditions, label
 * selectors by equality, pages and watches, and token reviews. Faults are put in by `intercept`.
 */
export class KubeApiServer {
  /** Requests, oldest first. */
  readonly seen: Seen[] = [];
  /** Who tokens belong to. */
  readonly tokens = new Map<string, TokenAnswer>();
  /** Answers in the API's place when it returns true. */
  intercept: (seen: Seen, response: ServerResponse) => boolean = () => false;
  /** A token that every request must bear, unless empty. */
  bearer = '';
  private readonly objects = new Map<string, Stored>();
  private readonly watchers = new Set<Watcher>();
  private readonly server: Server;
  private readonly secure: boolean;
  private version = 100;

  private constructor(tls: ServerOptions | undefined) {
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.serve(request, response);
    this.secure = tls !== undefined;
    this.server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  }

  static async start(tls?: ServerOptions, port = 0): Promise<KubeApiServer> {
    const api = new KubeApiServer(tls);
    await soon<void>((resolve) => api.server.listen(port, '127.0.0.1', resolve), 'listening server');
    return api;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  get openWatches(): number {
    return this.watchers.size;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await soon((resolve) => this.server.close(resolve), 'end of the server');
  }

  /** Ends all watches as a server does when their time is over, or with an event first. */
  endWatches(lastEvent?: object): void {
    for (const { response } of this.watchers) response.end(lastEvent === undefined ? '' : line(lastEvent));
  }

  cutConnections(): void {
    this.server.closeAllConnections();
  }

  /** The objects of a collection: `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases`. */
  items(collection: string): Stored[] {
    return [...this.objects].filter(([path]) => isIn(path, collection)).map(([, object]) => object);
  }

  put(path: string, object: Stored): Stored {
    const type = this.objects.has(path) ? 'MODIFIED' : 'ADDED';
    this.version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.objects.set(path, stored);
    this.tell(path, type, stored);
    return stored;
  }

  remove(path: string): void {
    const object = this.objects.get(path);
    if (object === undefined) return;
    this.version += 1;
    this.objects.delete(path);
    this.tell(path, 'DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.version) },
    });
  }

  private tell(path: string, type: string, object: Stored): void {
    for (const { collection, selector, response } of this.watchers) {
      if (isIn(path, collection) && matches(object, selector)) response.write(line({ type, object }));
    }
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const seen = {
      ...{ method, headers, url: new URL(request.url ?? '/', this.url) },
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    this.seen.push(seen);
    if (this.intercept(seen, response)) return;
    if (this.bearer !== '' && headers.authorization !== `Bearer ${this.bearer}`)
      refuse(response, 401, 'Unauthorized');
    else this.answer(seen, response);
  }

  private answer({ method, url, body }: Seen, response: ServerResponse): void {
    const path = url.pathname;
    if (path.endsWith('/tokenreviews')) this.review(body as TokenReview, response);
    else if (method === 'POST') this.create(path, body as Stored, response);
    else if (isCollection(path)) this.read(path, url.searchParams, response);
    else this.single(path, method, { body: body as Stored, response });
  }

  private single(
    path: string,
    method: string,
    { body, response }: { body: Stored; response: ServerResponse },
  ): void {
    const current = this.objects.get(path);
    if (current === undefined) {
      refuse(
        response,
        404,
        'NotFound',
        `leases.coordination.k8s.io ${JSON.stringify(path.split('/').pop())} not found`,
      );
    } else if (method === 'GET') send(response, 200, current);
    else if (method === 'DELETE') this.delete(path, current, { body, response });
    else if (method === 'PATCH') {
      send(
        response,
        200,
        this.put(path, { ...current, ...body, metadata: { ...current.metadata, ...body.metadata } }),
      );
    } else if (!sameVersion(body.metadata.resourceVersion, current)) refuse(response, 409, 'Conflict');
    else send(response, 200, this.put(path, body));
  }

  private delete(
    path: string,
    current: Stored,
    { body, response }: { body: unknown; response: ServerResponse },
  ): void {
    const { preconditions } = (body ?? {}) as { preconditions?: { resourceVersion?: string } };
    if (!sameVersion(preconditions?.resourceVersion, current)) {
      refuse(response, 409, 'Conflict');
      return;
    }
    this.remove(path);
    send(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' });
  }

  private create(path: string, object: Stored, response: ServerResponse): void {
    const own = `${path}/${object.metadata.name}`;
    if (this.objects.has(own)) refuse(response, 409, 'AlreadyExists');
    else send(response, 201, this.put(own, object));
  }

  private read(path: string, query: URLSearchParams, response: ServerResponse): void {
    // Go's clients ask this way first, and list when they are told that it is not to be had.
    if (query.has('sendInitialEvents')) {
      refuse(response, 422, 'Invalid', 'sendInitialEvents: Forbidden');
      return;
    }
    const selector = query.get('labelSelector') ?? '';
    if (query.get('watch') === 'true' || query.get('watch') === '1') {
      this.watch({ collection: path, selector, response }, Number(query.get('resourceVersion')));
      return;
    }
    const all = this.items(path).filter((object) => matches(object, selector));
    const start = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? 0) || all.length;
    const next = start + limit < all.length ? { continue: String(start + limit) } : {};
    const metadata = { resourceVersion: String(this.version), ...next };
    const kind = { kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1' };
    send(response, 200, { ...kind, metadata, items: all.slice(start, start + limit) });
  }

  private watch(watcher: Watcher, since: number): void {
    const { response, collection, selector } = watcher;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const object of this.items(collection)) {
      const isNew = Number(object.metadata.resourceVersion) > since;
      if (isNew && matches(object, selector)) response.write(line({ type: 'MODIFIED', object }));
    }
    this.watchers.add(watcher);
    response.once('close', () => this.watchers.delete(watcher));
  }

  private review({ spec }: TokenReview, response: ServerResponse): void {
    const known = this.tokens.get(spec.token);
    const status =
      known === undefined
        ? { authenticated: false, user: {}, error: 'invalid bearer token' }
        : 'error' in known
          ? { user: {}, error: known.error }
          : this.reviewed(known, spec.audiences ?? []);
    send(response, 201, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec,
      status,
    });
  }

  private reviewed(
    { username, audiences }: Extract<TokenAnswer, { username: string }>,
    wanted: readonly string[],
  ) {
    const authenticated = audiences === undefined || wanted.some((audience) => audiences.includes(audience));
    return authenticated
      ? { authenticated, user: { username }, audiences: wanted }
      : { authenticated, user: {} };
  }
}

interface TokenReview {
  readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
}

/** A failure, as the API writes it. */
export function refuse(response: ServerResponse, code: number, reason: string, message = reason): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function line(event: object): string {
  return `${JSON.stringify(event)}\n`;
}

function isCollection(path: string): boolean {
  return /\/(leases|pods|configmaps)$/.test(path);
}

function isIn(path: string, collection: string): boolean {
  return (
    path.startsWith(`${collection}/`) || path.replace(/\/namespaces\/[^/]+/, '').startsWith(`${collection}/`)
  );
}

function matches({ metadata: { labels = {} } }: Stored, selector: string): boolean {
  return selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => labels[part.split('=')[0] ?? ''] === part.split('=')[1]);
}

function sameVersion(wanted: string | undefined, { metadata }: Stored): boolean {
  return wanted === undefined || wanted === metadata.resourceVersion;
}
