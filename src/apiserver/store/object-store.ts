import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { createWallClock } from '../../core/wall-clock.js';
import type { Node, Pod, Service } from '../../kube/pod-objects.js';
import { rfc3339 } from '../../kube/time.js';
import type { ApiObject } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import type { Resource } from '../resources/resource.js';
import type { Change } from './change.js';
import { type Commit, expectedRevision, refuseTooLarge } from './commit.js';
import { defaultRoles } from './default-roles.js';
import { ObjectState, storedResource, withRevision } from './object-state.js';
import { identityOf, type ObjectIdentity, type ObjectKey, type Step } from './step.js';

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

/** The objects of the cluster, as a replica of the API sees them. Objects are never changed in place. */
export interface ObjectStore {
  /** Counts changes; the `resourceVersion` of lists. */
  readonly revision: number;
  /** Nothing can be written now, and what is read may be old. */
  readonly isAway: boolean;
  get(resource: Resource, key: ObjectKey): ApiObject | undefined;
  /** Objects of one kind, of one namespace or of all, in the order of etcd’s keys. */
  list(resource: Resource, namespace?: string): readonly ApiObject[];
  /** The first change of a kind after `revision`; `forgotten` when the history does not reach there (any more). */
  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined;
  /** Calls `listener` after every change until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /**
   * Writes if the object is as the commit expects it, and resolves with what was stored, or was there at last. Undefined:
   * it is another one by now, and reads show it. Rejects with a StatusError when the store is away.
   */
  commit(commit: Commit): Promise<ApiObject | undefined>;
  /** Resolves when reads show all that was written before, at whatever replica. Undefined: they do. Never rejects. */
  catchUp(): Promise<void> | undefined;
}

/** The objects where they are kept: all replicas in one process share it. */
export interface LocalStore extends ObjectStore {
  /** Creates or replaces. Returns what is stored. Throws CONFIG_INVALID for a kind that is not served. */
  put(object: ApiObject): ApiObject;
  /** Removes the object of this kind and key; false when there is none. */
  remove(apiVersion: string, kind: string, key: ObjectKey): boolean;
  /** As `commit`, at once. */
  commitNow(commit: Commit): ApiObject | undefined;
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
): LocalStore {
  const store = new MemoryStore(clock, options.historyLimit);
  store.fill(initial);
  return store;
}

/** Keeps the objects in this process. */
export class MemoryStore extends ObjectState implements LocalStore {
  readonly isAway = false;
  /** Told of each step before it is made, so that nobody sees what is not written down. What it throws fails the write. */
  writeAhead: (step: Step) => void = () => undefined;
  private readonly timestamp: () => string;

  constructor(clock: Clock, historyLimit?: number) {
    super(historyLimit);
    const now = createWallClock(clock);
    this.timestamp = () => rfc3339(now());
  }

  /** Stores what a cluster begins with. */
  fill(initial: InitialObjects): void {
    const { namespaces = [], nodes = [], services = [], deployments = [], pods = [], others = [] } = initial;
    for (const object of [...namespaces, ...nodes, ...services, ...deployments, ...pods, ...others])
      this.put(object);
    for (const name of systemNamespaces) this.ensureNamespace(name);
    for (const object of defaultRoles(this.timestamp(), uidFor)) if (!this.has(object)) this.put(object);
    this.compact();
  }

  put(object: ApiObject): ApiObject {
    const resource = storedResource(object.apiVersion, object.kind);
    const { namespace } = checkedKey(resource, object);
    if (namespace !== undefined) this.ensureNamespace(namespace);
    const revision = this.revision + 1;
    const stored = withRevision(object, revision);
    this.make({ revision, put: stored });
    return stored;
  }

  remove(apiVersion: string, kind: string, { name, namespace }: ObjectKey): boolean {
    const removed = identityOf({ apiVersion, kind, metadata: { name, namespace } });
    if (!this.has(removed)) return false;
    this.make({ revision: this.revision + 1, removed });
    return true;
  }

  commitNow(commit: Commit): ApiObject | undefined {
    const { object } = commit;
    const current = this.get(storedResource(object.apiVersion, object.kind), object.metadata);
    if (current?.metadata.resourceVersion !== expectedRevision(commit)) return undefined;
    const stored = commit.kind === 'put' ? this.put(object) : current;
    if (commit.kind === 'remove' || commit.thenRemove === true)
      this.remove(object.apiVersion, object.kind, object.metadata);
    return stored;
  }

  commit(commit: Commit): Promise<ApiObject | undefined> {
    return new Promise((resolve) => {
      refuseTooLarge(commit);
      resolve(this.commitNow(commit));
    });
  }

  catchUp(): undefined {
    return undefined;
  }

  compact(): void {
    this.forget();
  }

  private make(step: Step): void {
    this.writeAhead(step);
    this.apply(step);
  }

  private ensureNamespace(name: string): void {
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

  private has({ apiVersion, kind, metadata }: ObjectIdentity): boolean {
    return this.get(storedResource(apiVersion, kind), metadata) !== undefined;
  }
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
  const spec = { finalizers: ['kubernetes'] };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata, spec, status: { phase: 'Active' } };
  return namespace;
}

/** A UUID that depends on the name alone, so that a run can be repeated. */
function uidFor(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
