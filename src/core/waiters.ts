/** Callbacks that wait for one event. Each is called once. */
export class Waiters {
  private resumes: (() => void)[] = [];

  add(resume: () => void): void {
    this.resumes.push(resume);
  }

  /** A callback that waits again while it is called is kept for the next time. */
  wake(): void {
    const woken = this.resumes;
    this.resumes = [];
    for (const resume of woken) resume();
  }
}
