import type { ConnectClient } from '../../src/core/http-connect/state.js';

/** The socket of a CONNECT client that keeps what is written, and is as full as the test says. */
export class RecordingClient implements ConnectClient {
  congested = false;
  takenBytes = 0;
  ended = 0;
  destroyed = 0;
  readonly writes: string[] = [];
  /** Says that the system has all that was written; set by the end. */
  flushed: () => void = () => undefined;
  private waiting: (() => void)[] = [];

  get text(): string {
    return this.writes.join('');
  }

  write(bytes: Uint8Array): void {
    this.writes.push(Buffer.from(bytes).toString());
  }

  end(flushed: () => void): void {
    this.ended += 1;
    this.flushed = flushed;
  }

  destroy(): void {
    this.destroyed += 1;
  }

  whenClear(resume: () => void): void {
    this.waiting.push(resume);
  }

  /** Makes room: whoever waited is woken. */
  clear(): void {
    this.congested = false;
    for (const resume of this.waiting.splice(0)) resume();
  }
}
