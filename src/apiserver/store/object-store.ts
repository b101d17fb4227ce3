import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { Node, Pod, Service } from '../../core/objects.js';
import { defaultRoles } from '../auth/default-roles.js';
import type { ApiObject } from '../resources/api-object.js';
import { coreResource, findKind } from '../resources/catalogue.js';
import type { Resource } from '../resources/resource.js';
import { createWallClock, formatTime } from '../wall-clock.js';
import type { Change } from './change.js';
import { History } from './history.js';

/** What a store begins with. Namespaces that objects name come into being by themselves. */
export interface InitialObjects {
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
  readonly services?: readonly Service[];
  readonly namespaces?: readonly ApiObject[];
  readonly deployments?: readonly ApiObject[];
  /** Anything else of a kind in the catalogue. */
  readonly others?: readonly ApiObject[];
}

export interface ObjectStoreOptions {
  /** Changes kept for watches, per kind of object. Default 1000. */
  readonly historyLimit?: number;
}

/** Where an object lives. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The objects of the cluster, shared by all replicas of the API. Objects are never changed in place. */
export interface ObjectStore {
  /** Counts changes; the `resourceVersion` of lists. */
  readonly revision: number;
  get(resource: Resource, key: ObjectKey): ApiObject | undefined;
  /** Objects of one kind, of one namespace or of all, ordered by namespace and name. */
  list(resource: Resource, namespace?: string): readonly ApiObject[];
  /** Creates or replaces. Returns what is stored. Throws CONFIG_INVALID for a kind that is not served. */
  put(object: ApiObject): ApiObject;
  /** Removes the object of this kind and key; false when there is none. */
  remove(apiVersion: string, kind: string, key: ObjectKey): boolean;
  /** The first change of a kind after `revision`; `forgotten` when the history no longer reaches back so far. */
  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined;
  /** Calls `listener` after every change until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /** Drops the history, as etcd's compaction does: watches from before now get 410 Expired. */
  compact(): void;
}

/** Namespaces that every cluster has. */
const systemNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Makes a store. Ages and creation times follow `clock`. */
export function createObjectStore(
  initial: InitialObjects,
  clock: Clock,
  options: ObjectStoreOptions = {},
): ObjectStore {
  const now = createWallClock(clock);
  const store = new MemoryStore(() => formatTime(now()), options.historyLimit ?? 1000);
  const { namespaces = [], nodes = [], services = [], deployments = [], pods = [], others = [] } = initial;
  for (const object of [...namespaces, ...nodes, ...services, ...deployments, ...pods, ...others])
    store.put(object);
  for (const name of systemNamespaces) store.ensureNamespace(name);
  for (const object of defaultRoles(formatTime(now()), uidFor)) if (!store.has(object)) store.put(object);
  store.compact();
  return store;
}

interface Shelf {
  readonly objects: Map<string, ApiObject>;
  readonly history: History;
}

class MemoryStore implements ObjectStore {
  private counter = 0;
  private readonly shelves = new Map<Resource, Shelf>();
  private readonly listeners = new Set<() => void>();
  private readonly timestamp: () => string;
  private readonly historyLimit: number;

  constructor(timestamp: () => string, historyLimit: number) {
    this.timestamp = timestamp;
    this.historyLimit = historyLimit;
  }

  get revision(): number {
    return this.counter;
  }

  get(resource: Resource, key: ObjectKey): ApiObject | undefined {
    return this.shelf(resource).objects.get(keyText(key));
  }

  list(resource: Resource, namespace?: string): readonly ApiObject[] {
    const entries = [...this.shelf(resource).objects.entries()];
    return entries
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  put(object: ApiObject): ApiObject {
    const resource = storedResource(object.apiVersion, object.kind);
    const { namespace, name } = checkedKey(resource, object);
    if (namespace !== undefined) this.ensureNamespace(namespace);
    const shelf = this.shelf(resource);
    const previous = shelf.objects.get(keyText({ namespace, name }));
    const revision = ++this.counter;
    const stored = withRevision(object, revision);
    shelf.objects.set(keyText({ namespace, name }), stored);
    this.record(shelf, {
      revision,
      object: stored,
      ...(previous === undefined ? { type: 'ADDED' } : { type: 'MODIFIED', previous }),
    });
    return stored;
  }

  remove(apiVersion: string, kind: string, key: ObjectKey): boolean {
    const shelf = this.shelf(storedResource(apiVersion, kind));
    const previous = shelf.objects.get(keyText(key));
    if (previous === undefined) return false;
    shelf.objects.delete(keyText(key));
    const revision = ++this.counter;
    this.record(shelf, { revision, type: 'DELETED', object: withRevision(previous, revision), previous });
    return true;
  }

  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined {
    return this.shelf(resource).history.next(revision);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  compact(): void {
    for (const shelf of this.shelves.values()) shelf.history.forget(this.counter);
  }

  ensureNamespace(name: string): void {
    const resource = coreResource('namespaces');
    if (this.get(resource, { name }) !== undefined) return;
    this.put(namespaceObject(name, this.timestamp()));
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: accountMetadata(name, this.timestamp()),
    };
    if (!this.has(account)) this.put(account);
  }

  has(object: ApiObject): boolean {
    return this.get(storedResource(object.apiVersion, object.kind), object.metadata) !== undefined;
  }

  private record(shelf: Shelf, change: Change): void {
    shelf.history.append(change);
    for (const listener of [...this.listeners]) listener();
  }

  private shelf(resource: Resource): Shelf {
    const known = this.shelves.get(resource);
    if (known !== undefined) return known;
    // A kind without objects has no history to miss, but before the first change everything was there.
    const created = { objects: new Map<string, ApiObject>(), history: new History(0, this.historyLimit) };
    this.shelves.set(resource, created);
    return created;
  }
}

function storedResource(apiVersion: string, kind: string): Resource {
  const resource = findKind(apiVersion, kind);
  if (resource !== undefined) return resource;
  throw new TunnelError('CONFIG_INVALID', `no kind ${kind} in ${apiVersion} is served`, {
    where: 'object store',
  });
}

function checkedKey(resource: Resource, object: ApiObject): ObjectKey {
  const { name, namespace } = object.metadata;
  if (name === '' || name === undefined) throw invalid(`a ${resource.kind} needs metadata.name`);
  if (resource.namespaced && !namespace)
    throw invalid(`${resource.singular} ${name} needs metadata.namespace`);
  return { name, namespace: resource.namespaced ? namespace : undefined };
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', message, { where: 'object store' });
}

/** NUL sorts before everything that names may contain, so keys sort by namespace, then by name. */
function keyText(key: ObjectKey): string {
  return `${key.namespace ?? ''}\u0000${key.name}`;
}

function withRevision(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** Of the account that pods use when they name none. */
function accountMetadata(namespace: string, creationTimestamp: string): ApiObject['metadata'] {
  return {
    name: 'default',
    namespace,
    uid: uidFor(`serviceaccount/${namespace}/default`),
    creationTimestamp,
  };
}

function namespaceObject(name: string, creationTimestamp: string): ApiObject {
  const metadata = {
    name,
    uid: uidFor(`namespace/${name}`),
    creationTimestamp,
    labels: { 'kubernetes.io/metadata.name': name },
  };
  const status = { phase: 'Active' };
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata,
    ...{ spec: { finalizers: ['kubernetes'] }, status },
  };
}

/** A UUID that depends on the name alone, so that a run can be repeated. */
function uidFor(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
