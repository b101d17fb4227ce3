import type { FaultDocument } from './fault-document.js';

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
  /** As it was set, with its place; of a preset, its document. */
  readonly document: FaultDocument;
  /** What it does: a name of `docs/faults.md`. */
  readonly action: string;
}

/** What a fault would be on now, and what it could hit. */
export interface FaultReach {
  /** What it does: a name of `docs/faults.md`. */
  readonly action: string;
  /** The links that it would be on, the first 1000: `agent/node-1 → server/server-1`. Empty for faults of parts. */
  readonly links: readonly string[];
  /** Their open connections, by the number that events have as `flow`. Empty for faults that only new connections meet. */
  readonly flows: readonly { readonly flow: string; readonly link: string }[];
  /** The parts that it would be on. Empty for faults of links. */
  readonly parts: readonly string[];
}

/** A link between two parts. */
export interface LinkView {
  /** Who connects: `agent/node-1`. */
  readonly from: string;
  /** To whom: `server/server-1`. */
  readonly to: string;
  /** Its open connections, by the number that events have as `flow`. */
  readonly flows: readonly string[];
  /** The faults that are on it, by their names. */
  readonly faults: readonly string[];
}
