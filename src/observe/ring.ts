/** Keeps the newest `capacity` items. One more item drops the oldest. */
export class Ring<T> {
  private readonly items: T[] = [];
  private readonly capacity: number;
  /** The position of the oldest item when the ring is full. */
  private head = 0;
  private lost = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get dropped(): number {
    return this.lost;
  }

  push(item: T): void {
    if (this.items.length < this.capacity) {
      this.items.push(item);
      return;
    }
    this.items[this.head] = item;
    this.head = (this.head + 1) % this.capacity;
    this.lost += 1;
  }

  /** A copy, oldest first. */
  toArray(): T[] {
    return [...this.items.slice(this.head), ...this.items.slice(0, this.head)];
  }
}
