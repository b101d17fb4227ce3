import type { z } from 'zod';

/** What a part is, the first half of its name. */
export type PartRole = 'agent' | 'server' | 'kubelet' | 'apiserver';

/** One kind of fault of a part, which the part itself does or meets. */
export interface PartFaultKind<S> {
  /** What it does, one sentence. */
  readonly does: string;
  /** What it teaches, one sentence. */
  readonly lesson: string;
  /** What happens when it is removed. */
  readonly heals: string;
  readonly settings: z.ZodType<S>;
  /** Which parts can have it. */
  readonly roles: readonly PartRole[];
  /**
   * `asked`: the part asks at a moment of its own whether it is on, and each answer is a hit. `told`: the part does it when
   * the fault says so, and what it returns undoes it when the fault is removed.
   */
  readonly how: 'asked' | 'told';
}
