/** What a cell's test reports, in addition to whether it passed. */
export interface CellResult {
  readonly name: string;
  /** `1.33`. */
  readonly version: string;
  timeMs: number;
  /** Protocols of its streams, as in the façade's journal; empty for plain requests. */
  wires: readonly string[];
  /** Why this kubectl cannot do it. */
  reason?: string;
}

/** The selection of a run; empty lists mean everything. */
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
