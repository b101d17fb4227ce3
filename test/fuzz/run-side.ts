/** What one side of the fuzzer is asked for. */
export interface FuzzRun {
  readonly seed: number;
  readonly packets: number;
  /** Told how many packets were handled, for the report of a failure. */
  readonly progress: (count: number) => void;
}

/** Feeds one party; returns how many packets were malformed. Throws when a rule is broken. */
export type FuzzSide = (run: FuzzRun) => number | Promise<number>;

export interface SideResult {
  readonly packets: number;
  readonly malformed: number;
  readonly durationMs: number;
}

/** Runs a side; a failure names the seed that repeats it. */
export async function runSide(
  name: string,
  side: FuzzSide,
  { seed, packets }: Pick<FuzzRun, 'seed' | 'packets'>,
): Promise<SideResult> {
  const startedAt = performance.now();
  let handled = 0;
  const progress = (count: number): void => {
    handled = count;
  };
  try {
    const malformed = await side({ seed, packets, progress });
    return { packets, malformed, durationMs: performance.now() - startedAt };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const repeat = `npm run fuzz -- --side ${name} --seed ${seed} --packets ${packets}`;
    throw new Error(`${name}, packet ${handled + 1}: ${reason}\nTo repeat it: ${repeat}`, { cause });
  }
}
