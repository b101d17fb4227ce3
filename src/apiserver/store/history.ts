import type { Change } from './change.js';

/** The latest changes of one kind of object, limited in number. A reader that comes too late must list again. */
export class History {
  private changes: Change[] = [];
  /** Changes up to and including this revision are dropped. */
  private floor: number;
  private readonly limit: number;

  constructor(floor: number, limit: number) {
    this.floor = floor;
    this.limit = limit;
  }

  append(change: Change): void {
    this.changes.push(change);
    // Dropping half of them at a time keeps the cost per change constant.
    if (this.changes.length > this.limit * 2) this.forget(this.changes.at(-this.limit - 1)?.revision ?? 0);
  }

  /** The first change after `revision`: undefined before it happens, `forgotten` after it was dropped. */
  next(revision: number): Change | 'forgotten' | undefined {
    if (revision < this.floor) return 'forgotten';
    return this.changes[this.firstAfter(revision)];
  }

  /** All changes after `revision`; `forgotten` when some were dropped. */
  after(revision: number): readonly Change[] | 'forgotten' {
    return revision < this.floor ? 'forgotten' : this.changes.slice(this.firstAfter(revision));
  }

  forget(revision: number): void {
    if (revision <= this.floor) return;
    this.floor = revision;
    this.changes = this.changes.filter((change) => change.revision > revision);
  }

  private firstAfter(revision: number): number {
    let low = 0;
    let high = this.changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.changes[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
