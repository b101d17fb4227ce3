import { randomUUID } from 'node:crypto';

/** One start of a store. */
export interface Run {
  readonly id: string;
  /** What was known when it began. What the run before had made beyond it is lost. */
  readonly from: number;
}

/** Runs that are remembered; who has slept through more begins anew. */
const maxRuns = 1000;

/** The starts of one store: they tell whether what somebody has seen before a start is still true. */
export class Runs {
  readonly all: readonly Run[];

  constructor(past: readonly Run[], revision: number) {
    this.all = [...past.slice(-maxRuns), { id: randomUUID(), from: revision }];
  }

  get current(): string {
    return this.all.at(-1)?.id ?? '';
  }

  /** Whether a state at `revision` of the run `id` is one that this store had. */
  continues(id: string, revision: number): boolean {
    const place = this.all.findIndex((run) => run.id === id);
    if (place < 0) return false;
    return this.all.slice(place + 1).every(({ from }) => revision <= from);
  }
}
