import { TunnelError } from '../../core/errors.js';
import type { ApiObject } from '../resources/api-object.js';
import { findKind } from '../resources/catalogue.js';
import type { Resource } from '../resources/resource.js';
import type { Change } from './change.js';
import { History } from './history.js';
import { identityOf, keyText, type ObjectKey, type Snapshot, type Step } from './step.js';

interface Shelf {
  readonly objects: Map<string, ApiObject>;
  readonly history: History;
  /** All objects in the order of their keys. Undefined after a change. */
  sorted: readonly ApiObject[] | undefined;
}

/** All objects and their latest changes. It applies steps in the order of revisions; others make them. */
export class ObjectState {
  private counter = 0;
  /** The changes up to this revision are unknown. */
  private floor = 0;
  private readonly shelves = new Map<Resource, Shelf>();
  private readonly listeners = new Set<(step?: Step) => void>();
  private readonly historyLimit: number;

  constructor(historyLimit = 1000) {
    this.historyLimit = historyLimit;
  }

  get revision(): number {
    return this.counter;
  }

  get(resource: Resource, key: ObjectKey): ApiObject | undefined {
    return this.shelf(resource).objects.get(keyText(key));
  }

  list(resource: Resource, namespace?: string): readonly ApiObject[] {
    const shelf = this.shelf(resource);
    shelf.sorted ??= sortedByKey(shelf.objects);
    if (namespace === undefined) return shelf.sorted;
    return shelf.sorted.filter((object) => object.metadata.namespace === namespace);
  }

  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined {
    // A client that knows a later revision than ours was watching another store.
    if (revision > this.counter) return 'forgotten';
    return this.shelf(resource).history.next(revision);
  }

  /** Calls `listener` with each step, without one when everything is new. The returned function stops it. */
  subscribe(listener: (step?: Step) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Applies a change. Throws CONFIG_INVALID for a kind that is not served. */
  apply(step: Step): void {
    const about = 'put' in step ? step.put : step.removed;
    const shelf = this.shelf(storedResource(about.apiVersion, about.kind));
    const key = keyText(about.metadata);
    const previous = shelf.objects.get(key);
    shelf.sorted = undefined;
    this.counter = step.revision;
    if ('put' in step) {
      shelf.objects.set(key, step.put);
      shelf.history.append({
        revision: step.revision,
        object: step.put,
        ...(previous === undefined ? { type: 'ADDED' } : { type: 'MODIFIED', previous }),
      });
    } else if (previous !== undefined) {
      shelf.objects.delete(key);
      const object = withRevision(previous, step.revision);
      shelf.history.append({ revision: step.revision, type: 'DELETED', object, previous });
    }
    for (const listener of [...this.listeners]) listener(step);
  }

  /** Replaces the state. Watches from before get 410 Expired. */
  load({ revision, objects }: Snapshot): void {
    this.shelves.clear();
    this.counter = revision;
    this.floor = revision;
    for (const object of objects) {
      const shelf = this.shelf(storedResource(object.apiVersion, object.kind));
      shelf.objects.set(keyText(object.metadata), object);
    }
    for (const listener of [...this.listeners]) listener();
  }

  snapshot(): Snapshot {
    const objects = [...this.shelves.values()].flatMap((shelf) => [...shelf.objects.values()]);
    return { revision: this.counter, objects };
  }

  /** All changes after `revision`, in order; `forgotten` when some were dropped. */
  stepsAfter(revision: number): readonly Step[] | 'forgotten' {
    if (revision < this.floor || revision > this.counter) return 'forgotten';
    const changes: Change[] = [];
    for (const { history } of this.shelves.values()) {
      const some = history.after(revision);
      if (some === 'forgotten') return 'forgotten';
      changes.push(...some);
    }
    return changes.sort((a, b) => a.revision - b.revision).map(stepOf);
  }

  forget(): void {
    for (const { history } of this.shelves.values()) history.forget(this.counter);
  }

  private shelf(resource: Resource): Shelf {
    const known = this.shelves.get(resource);
    if (known !== undefined) return known;
    // A kind without changes has no history to miss: its objects are all from the start.
    const created = {
      objects: new Map<string, ApiObject>(),
      history: new History(this.floor, this.historyLimit),
      sorted: undefined,
    };
    this.shelves.set(resource, created);
    return created;
  }
}

function sortedByKey(objects: ReadonlyMap<string, ApiObject>): readonly ApiObject[] {
  return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

function stepOf({ revision, type, object }: Change): Step {
  return type === 'DELETED' ? { revision, removed: identityOf(object) } : { revision, put: object };
}

/** The record of a kind. Throws CONFIG_INVALID for one that is not served. */
export function storedResource(apiVersion: string, kind: string): Resource {
  const resource = findKind(apiVersion, kind);
  if (resource !== undefined) return resource;
  throw new TunnelError('CONFIG_INVALID', `no kind ${kind} in ${apiVersion} is served`, {
    where: 'object store',
  });
}

export function withRevision(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
