import { jsonLines } from './json-lines.js';
import { type KubeList, type KubeObject, type ObjectTarget, pathOf, type ResourceTarget } from './objects.js';
import { type CallOptions, Requester, type RequesterOptions } from './requester.js';
import { KubeStatusError, readStatus } from './status-error.js';

export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selection, CallOptions {
  readonly resourceVersion?: string;
  readonly limit?: number;
  /** The token from the page before. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection, CallOptions {
  readonly resourceVersion?: string;
  /** The server ends the watch after this time. */
  readonly timeoutSeconds?: number;
}

/** A change. A bookmark only carries the newest revision. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface DeleteOptions extends CallOptions {
  /** Refused with `Conflict` when the object has another version by now. */
  readonly resourceVersion?: string;
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
}

export interface PatchOptions extends CallOptions {
  readonly type: 'json' | 'merge' | 'strategic-merge';
}

/** The page size for large collections, as in client-go's pager. */
const pageSize = 500;

/**
 * A client of any Kubernetes API, over JSON. Every method rejects with a KubeStatusError (API_REFUSED) when the API
 * answered with a failure, with API_UNREACHABLE when it did not answer in time, and with CONFIG_INVALID or
 * FILE_UNREADABLE when the credentials cannot be read.
 */
export class KubeClient {
  private readonly requester: Requester;

  constructor(options: RequesterOptions) {
    this.requester = new Requester(options);
  }

  async get<T extends KubeObject>(target: ObjectTarget, options: CallOptions = {}): Promise<T> {
    return (await this.requester.json({ ...options, method: 'GET', path: pathOf(target) })) as T;
  }

  /** One page. Its metadata has the token of the next page. */
  async list<T extends KubeObject>(target: ResourceTarget, options: ListOptions = {}): Promise<KubeList<T>> {
    const {
      labelSelector,
      fieldSelector,
      resourceVersion,
      limit,
      continue: next,
      signal,
      timeoutMs,
    } = options;
    const query = { labelSelector, fieldSelector, resourceVersion, continue: next, limit: limit?.toString() };
    const path = pathOf(target);
    const answer = await this.requester.json({
      ...definedFields({ signal, timeoutMs }),
      method: 'GET',
      path,
      query,
    });
    // Go writes an empty list as null.
    const { metadata, items } = answer as { metadata?: KubeList<T>['metadata']; items?: T[] | null };
    return { metadata: metadata ?? {}, items: items ?? [] };
  }

  async listAll<T extends KubeObject>(
    target: ResourceTarget,
    options: Selection & CallOptions = {},
  ): Promise<KubeList<T>> {
    const items: T[] = [];
    for (let next: string | undefined; ; ) {
      const page = await this.list<T>(target, {
        ...options,
        limit: pageSize,
        ...(next === undefined ? {} : { continue: next }),
      });
      items.push(...page.items);
      next = page.metadata.continue;
      if (next === undefined || next === '') return { metadata: page.metadata, items };
    }
  }

  async create<T extends object>(
    target: ResourceTarget,
    object: object,
    options: CallOptions = {},
  ): Promise<T> {
    const path = pathOf(target);
    return (await this.requester.json({ ...options, method: 'POST', path, body: object })) as T;
  }

  /** Replaces an object; refused with `Conflict` when its `resourceVersion` is not the newest. */
  async update<T extends KubeObject>(target: ObjectTarget, object: T, options: CallOptions = {}): Promise<T> {
    const path = pathOf(target);
    return (await this.requester.json({ ...options, method: 'PUT', path, body: object })) as T;
  }

  async patch<T extends KubeObject>(target: ObjectTarget, patch: unknown, options: PatchOptions): Promise<T> {
    const { type, ...call } = options;
    const contentType = `application/${type}-patch+json`;
    const path = pathOf(target);
    return (await this.requester.json({ ...call, method: 'PATCH', path, body: patch, contentType })) as T;
  }

  async delete(target: ObjectTarget, options: DeleteOptions = {}): Promise<void> {
    const { resourceVersion, uid, gracePeriodSeconds, ...call } = options;
    const preconditions = definedFields({ resourceVersion, uid });
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...definedFields({ gracePeriodSeconds }),
      ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    };
    await this.requester.json({ ...call, method: 'DELETE', path: pathOf(target), body });
  }

  /**
   * Changes after a version. Resolves when the API has accepted the watch. The caller must read it to its end or abort
   * the signal. Nothing is read faster than the caller takes it. The iterator throws a KubeStatusError for an `ERROR`
   * event (410 `Expired`: list again), and API_UNREACHABLE when the stream breaks.
   */
  async watch<T extends KubeObject>(
    target: ResourceTarget,
    options: WatchOptions,
  ): Promise<AsyncGenerator<WatchEvent<T>, void, undefined>> {
    const { labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal, timeoutMs } = options;
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      labelSelector,
      fieldSelector,
      resourceVersion,
      timeoutSeconds: timeoutSeconds?.toString(),
    };
    const path = pathOf(target);
    const call = { ...definedFields({ signal, timeoutMs }), method: 'GET', path, query } as const;
    return watchEvents<T>(jsonLines(await this.requester.stream(call)), path);
  }

  async close(): Promise<void> {
    this.requester.close();
  }
}

async function* watchEvents<T>(
  lines: AsyncIterable<unknown>,
  path: string,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  for await (const line of lines) {
    const event = line as { readonly type?: string; readonly object?: unknown };
    if (event.type === 'ERROR')
      throw new KubeStatusError(readStatus(500, JSON.stringify(event.object)), path);
    yield line as WatchEvent<T>;
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function definedFields<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
