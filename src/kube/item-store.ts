import type { WatchEvent } from './kube-client.js';
import type { KubeObject } from './objects.js';

/** One object was added, changed or deleted. */
export interface ItemChange<T> {
  /** What happened to it. */
  readonly type: 'added' | 'modified' | 'deleted';
  /** The object; a deleted one as it was last seen. */
  readonly object: T;
}

export class ItemStore<T extends KubeObject> {
  private readonly byKey = new Map<string, T>();
  private readonly changed: (change: ItemChange<T>) => void;

  constructor(changed: (change: ItemChange<T>) => void) {
    this.changed = changed;
  }

  items(): readonly T[] {
    return [...this.byKey.values()];
  }

  /** Takes a whole list; objects that are not in it count as deleted. */
  replace(items: readonly T[]): void {
    const keys = new Set(items.map(keyOf));
    for (const [key, object] of [...this.byKey]) {
      if (!keys.has(key)) this.remove(key, object);
    }
    for (const object of items) this.put(object);
  }

  apply(type: WatchEvent<T>['type'], object: T): void {
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        this.put(object);
        return;
      case 'DELETED':
        this.remove(keyOf(object), object);
        return;
      case 'BOOKMARK':
    }
  }

  private put(object: T): void {
    const before = this.byKey.get(keyOf(object));
    const version = object.metadata.resourceVersion;
    if (before !== undefined && version !== undefined && before.metadata.resourceVersion === version) return;
    this.byKey.set(keyOf(object), object);
    this.changed({ type: before === undefined ? 'added' : 'modified', object });
  }

  private remove(key: string, object: T): void {
    if (this.byKey.delete(key)) this.changed({ type: 'deleted', object });
  }
}

function keyOf({ metadata: { namespace = '', name } }: KubeObject): string {
  return `${namespace}/${name}`;
}
