/** What removing a fault does to the connections, parts or packets that it hit. */
export interface Healing {
  /** Those that continue; packets that were kept back and pass now. */
  readonly healed: number;
  /** Those that stay broken, or have ended; packets that are lost. */
  readonly broken: number;
}

/** A fault that was set. `using` removes it at the end of the block. */
export interface Fault extends Disposable {
  /** Its name in events. */
  readonly id: string;
  /** How often it has hit: connections and attempts to connect, packets, or occasions of a part. */
  readonly hits: number;
  /** False when it was removed, or its time is over. */
  readonly active: boolean;
  /**
   * Resolves when it has hit something. Rejects with WAIT_TIMEOUT after `withinMs` of lab time (default 5000), or when it
   * is removed before.
   */
  firstHit(options?: { readonly withinMs?: number }): Promise<void>;
  /** Ends it, and says what becomes of what it hit. Further calls return the same. */
  remove(): Healing;
}
