import { randomUUID } from 'node:crypto';

export interface Run {
  readonly id: string;
  /** The revision at its start. Later steps of the run before are lost. */
  readonly from: number;
}

/** How many runs are remembered. A replica that missed more of them starts again with a whole list. */
const maxRuns = 1000;

/** The runs of one store: they tell whether a state from before a restart is still valid. */
export class StoreRuns {
  readonly all: readonly Run[];

  constructor(past: readonly Run[], revision: number) {
    this.all = [...past.slice(-maxRuns), { id: randomUUID(), from: revision }];
  }

  get current(): string {
    return this.all.at(-1)?.id ?? '';
  }

  /** Whether a state at `revision` of the run `id` was a state of this store. */
  continues(id: string, revision: number): boolean {
    const place = this.all.findIndex((run) => run.id === id);
    if (place < 0) return false;
    return this.all.slice(place + 1).every(({ from }) => revision <= from);
  }
}
