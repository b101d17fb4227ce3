import type { Context } from './chains.js';
import type { Children } from './children.js';
import type { BenchOptions } from './options.js';
import type { Results } from './results.js';

export interface Run {
  readonly children: Children;
  readonly options: BenchOptions;
  readonly results: Results;
  /** Starts the endpoint of all chains of a section. */
  readonly prepare: () => Promise<Context>;
  /** Adds to the section's text. */
  readonly write: (text: string) => void;
  /** Tells how far it is, on stderr. */
  readonly say: (text: string) => void;
}

/** A table of its own. Its processes end with it. */
export interface Section {
  readonly name: string;
  /** True: measured with `--full` or by its name, else always. */
  readonly long: boolean;
  /** Names by which `--only` asks for a part of it. Default: none. */
  readonly cells?: readonly string[];
  /** Resolves with false when something is wrong, which makes the exit code 1. */
  readonly measure: (run: Run) => Promise<boolean | void>;
}
