/** A run this long clears the record of a container. */
const forgivenAfterMs = 600_000;
const firstDelayMs = 10_000;
const maxDelayMs = 300_000;

/** How long a container that ended waits for its next run: not at all once, then 10 s, doubling to 5 min. */
export class BackOff {
  private delayMs = 0;

  /** `ranMs` is how long the run lasted that has just ended. */
  next(ranMs: number): number {
    if (ranMs >= forgivenAfterMs) this.delayMs = 0;
    const { delayMs } = this;
    this.delayMs = delayMs === 0 ? firstDelayMs : Math.min(delayMs * 2, maxDelayMs);
    return delayMs;
  }
}
