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

/** The first objects of a store. Missing namespaces of objects are added. */
export interface InitialObjects {
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
  readonly services?: readonly Service[];
  readonly namespaces?: readonly ApiObject[];
  readonly deployments?: readonly ApiObject[];
  /** Objects of other kinds in the catalogue. */
  readonly others?: readonly ApiObject[];
}

export interface ObjectStoreOptions {
  /** Changes kept for watches, per kind of object. Default 1000. */
  readonly historyLimit?: number;
}

/** The objects of the cluster, as a replica of the API sees them. Objects are never changed in place. */
export interface ObjectStore {
  /** The number of changes; the `resourceVersion` of lists. */
  readonly revision: number;
  /** The store cannot be reached: writes fail, and reads may be old. */
  readonly isAway: boolean;
  get(resource: Resource, key: ObjectKey): ApiObject | undefined;
  /** Objects of one kind, in one namespace or in all, in the order of etcd’s keys. */
  list(resource: Resource, namespace?: string): readonly ApiObject[];
  /** The first change of a kind after `revision`; `forgotten` when it was dropped or was never known. */
  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined;
  /** Calls `listener` after every change until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /**
   * Writes if the object is as the commit expects it. Resolves with the stored object, or with the removed one.
   * Undefined: another write came first, and reads show it. Rejects with a StatusError when the store cannot be
   * reached.
   */
  commit(commit: Commit): Promise<ApiObject | undefined>;
  /** Resolves when reads show all earlier writes at any replica. Undefined: they do. Never rejects. */
  catchUp(): Promise<void> | undefined;
}

/** The store itself; all replicas in one process share it. */
export interface LocalStore extends ObjectStore {
  /** Creates or replaces. Returns the stored object. Throws CONFIG_INVALID for a kind that is not served. */
  put(object: ApiObject): ApiObject;
  /** Removes the object of this kind and key; false when it does not exist. */
  remove(apiVersion: string, kind: string, key: ObjectKey): boolean;
  /** The same as `commit`, but synchronous. */
  commitNow(commit: Commit): ApiObject | undefined;
  /** Drops the history, as etcd's compaction does: older watches get 410 Expired. */
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
  /** Called with each step before readers see it, to write it down. If it throws, the write fails. */
  writeAhead: (step: Step) => void = () => undefined;
  private readonly timestamp: () => string;

  constructor(clock: Clock, historyLimit?: number) {
    super(historyLimit);
    const now = createWallClock(clock);
    this.timestamp = () => rfc3339(now());
  }

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

/** The metadata of the account for pods that do not name one. */
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

/** A UUID that depends only on the name, so that a run can be repeated. */
function uidFor(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
