import { isObject, type JsonObject } from '../resources/json.js';

/** The items of a list by the value of their merge key. Finding one costs the same in a list of any length. */
export class KeyedItems {
  private readonly key: string;
  private readonly items: unknown[] = [];
  /** The positions of the items with each key. */
  private readonly places = new Map<string, number[]>();
  private readonly gone = new Set<number>();

  constructor(key: string, items: readonly unknown[]) {
    this.key = key;
    for (const item of items) this.add(item);
  }

  list(): unknown[] {
    return this.items.filter((_item, index) => !this.gone.has(index));
  }

  add(item: unknown): void {
    const index = this.items.push(item) - 1;
    if (!isObject(item)) return;
    const key = this.keyOf(item);
    const places = this.places.get(key);
    if (places === undefined) this.places.set(key, [index]);
    else places.push(index);
  }

  /** Changes the first item with the same key, or adds a new one. */
  merge(like: JsonObject, change: (old: JsonObject) => JsonObject): void {
    const index = this.places.get(this.keyOf(like))?.[0];
    const old = index === undefined ? undefined : this.items[index];
    if (index === undefined || !isObject(old)) this.add(change({}));
    else this.items[index] = change(old);
  }

  remove(like: JsonObject): void {
    const key = this.keyOf(like);
    for (const index of this.places.get(key) ?? []) this.gone.add(index);
    this.places.delete(key);
  }

  private keyOf(item: JsonObject): string {
    return JSON.stringify(item[this.key] ?? null);
  }
}
