/** After a run this long, the pauses of a container start again from zero. */
const forgivenAfterMs = 600_000;
const firstDelayMs = 10_000;
const maxDelayMs = 300_000;

/** How long an ended container waits for its next run: first 0 s, then 10 s, doubling to 5 min. */
export class BackOff {
  private delayMs = 0;

  /** `ranMs` is how long the last run lasted. */
  next(ranMs: number): number {
    if (ranMs >= forgivenAfterMs) this.delayMs = 0;
    const { delayMs } = this;
    this.delayMs = delayMs === 0 ? firstDelayMs : Math.min(delayMs * 2, maxDelayMs);
    return delayMs;
  }
}
