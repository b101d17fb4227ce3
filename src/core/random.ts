/** The source of all random choices, so that one seed repeats a run. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** A uniformly distributed integer in [0, bound). */
  below(bound: number): number;
  /** A 63-bit positive integer, never 0: the shape of Konnectivity's dial IDs. */
  int63(): bigint;
}

/** Seeded generator (mulberry32). Good enough for choices and IDs, not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return {
    next: () => next32() / 2 ** 32,
    below: (bound) => Math.floor((next32() / 2 ** 32) * bound),
    int63() {
      const high = BigInt(next32() >>> 1);
      const low = BigInt(next32());
      const value = (high << 32n) | low;
      return value === 0n ? 1n : value;
    },
  };
}
