/** What a cell's test tells the reporter, beside whether it passed. */
export interface CellResult {
  readonly name: string;
  /** `1.33`. */
  readonly version: string;
  timeMs: number;
  /** Wires of its streams, as the façade's journal names them; none for plain requests. */
  wires: readonly string[];
  /** Why this kubectl cannot do it. */
  reason?: string;
}

/** What is wanted of a run; empty lists stand for everything. */
export interface MatrixWish {
  /** Names of cells. */
  readonly only: readonly string[];
  /** `1.33`. */
  readonly versions: readonly string[];
}

declare module 'vitest' {
  interface TaskMeta {
    cell?: CellResult;
  }
  interface ProvidedContext {
    matrix?: MatrixWish;
  }
}
