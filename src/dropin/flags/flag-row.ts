import type { FlagType, FlagValues } from './flag-types.js';

/** The first release of Konnectivity with a flag. `v0.28` also means all earlier ones, `next` means after v0.36. */
export type Release = 'v0.28' | 'v0.31' | 'v0.35' | 'v0.36' | 'next';

interface FlagNotes {
  readonly since?: Release;
  /** The environment variable for this ID, used without the flag. Without both the ID is random. */
  readonly env?: string;
  readonly shorthand?: string;
  /** The default in the help text, when the value itself does not show it. */
  readonly initially?: string;
  /** Why the flag is accepted and has no effect. */
  readonly ignored?: string;
  /** What to use instead. A deprecated flag is not in the help. */
  readonly deprecated?: string;
  /** The flag that this one is another name for. */
  readonly alias?: string;
}

export interface FlagRow<T extends FlagType = FlagType> extends FlagNotes {
  readonly type: T;
  readonly initial: FlagValues[T];
  /** One sentence for people. */
  readonly help: string;
  readonly since: Release;
  readonly effect: 'used' | 'ignored';
}

export type AnyFlagRow = { readonly [T in FlagType]: FlagRow<T> }[FlagType];
export type FlagTable = Readonly<Record<string, AnyFlagRow>>;
/** The values of a table by the flags' names. */
export type ValuesOf<F extends FlagTable> = { readonly [K in keyof F]: FlagValues[F[K]['type']] };

export interface FlagGroup {
  readonly title: string;
  readonly flags: FlagTable;
}

export function flag<T extends FlagType>(
  type: T,
  initial: FlagValues[T],
  help: string,
  notes: FlagNotes = {},
): FlagRow<T> {
  const effect = notes.ignored === undefined ? 'used' : 'ignored';
  return { type, initial, help, since: 'v0.28', effect, ...notes };
}
