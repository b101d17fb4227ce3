import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { parseDuration } from '../../core/duration.js';
import type { Random } from '../../core/random.js';
import type { FlowMachine, FlowSide } from '../flow.js';
import type { Pass, Stage } from '../lane.js';

/** What a fault may use. */
export interface FaultTools {
  readonly clock: Clock;
  readonly random: Random;
  /** For a stage: the sender of this direction is told that the connection is gone, and the other end hears nothing. */
  readonly giveUp?: () => void;
}

/** What a new connection meets. */
export type ConnectVerdict = 'refuse' | 'silence' | { readonly delayMs: number };

/**
 * One kind of fault. It has one hook or more: `stage` while it is on, for each direction of each flow; `strike` once for
 * each flow; `connect` for each new connection while it is on. When a fault begins by itself (at once, at an event), the
 * stage is used before the strike; when a flow's own timer or counter begins it, the strike before the stage.
 */
export interface FaultKind<S> {
  /** What it does, one sentence. */
  readonly does: string;
  /** What it teaches, one sentence. */
  readonly lesson: string;
  /** What happens to what it broke when it is removed. */
  readonly heals: string;
  readonly settings: z.ZodType<S>;
  readonly stage?: (settings: S, tools: FaultTools, pass: Pass) => Stage;
  readonly strike?: (flow: FlowMachine, settings: S, tools: FaultTools) => void;
  readonly connect?: (settings: S, tools: FaultTools) => ConnectVerdict;
}

const noDuration = 'is no duration, such as 250ms or 60s';

/** Milliseconds, or Go's duration text: `250ms`, `60s`, `1m30s`. */
export const duration = z
  .union(
    [z.number().nonnegative(), z.string().refine((text) => (parseDuration(text) ?? -1) >= 0, noDuration)],
    noDuration,
  )
  .transform((value) => (typeof value === 'number' ? value : (parseDuration(value) ?? 0)));

/** A whole number of bytes, at least 1. */
export const byteCount = z.int().positive();

/** What a header of HTTP/2 can carry. */
export const headerText = z.string().regex(/^[\x20-\x7e]*$/, 'must be printable ASCII');

export const side = z.enum(['client', 'target'] as const satisfies readonly FlowSide[]);

/** Faults without settings take none. */
export const noSettings = z.strictObject({});
