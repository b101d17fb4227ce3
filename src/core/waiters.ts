/** Those who wait for one thing; each is called once. */
export class Waiters {
  private resumes: (() => void)[] = [];

  add(resume: () => void): void {
    this.resumes.push(resume);
  }

  /** Whoever waits again when it is called, waits for the next time. */
  wake(): void {
    const woken = this.resumes;
    this.resumes = [];
    for (const resume of woken) resume();
  }
}
