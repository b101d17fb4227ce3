import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock, Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { LabEvent } from '../core/events.js';
import { headerLine } from './recording.js';

/** Writes events to a file as they come. */
export interface Recorder {
  /** Fits `Journal.subscribe`. */
  readonly write: (event: LabEvent) => void;
  /** Writes what waits, and closes the file. Further calls do nothing. */
  close(): void;
}

export interface RecorderOptions {
  readonly path: string;
  /** The seed of the lab. */
  readonly seed: number;
  /** The wall time of the journal's time 0, epoch ms. */
  readonly startedAtMs: number;
  readonly clock: Clock;
}

/** How much may wait, and for how long. What waits is lost when the process is killed. */
const maxWaitingChars = 64 * 1024;
const flushMs = 200;

/** Creates or replaces the file, readable for its owner only. Throws FILE_UNWRITABLE. */
export function openRecorder({ path, seed, startedAtMs, clock }: RecorderOptions): Recorder {
  const recorder = new FileRecorder(path, clock);
  recorder.line(headerLine(startedAtMs, seed));
  return recorder;
}

/**
 * It writes whole batches and waits for the system, which takes them into its memory: a queue of its own would have no
 * bound.
 */
class FileRecorder implements Recorder {
  private readonly path: string;
  private readonly clock: Clock;
  private readonly fd: number;
  private waiting = '';
  private timer: Timer | undefined;
  private closed = false;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
    try {
      this.fd = openSync(path, 'w', 0o600);
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  readonly write = (event: LabEvent): void => this.line(JSON.stringify(event));

  line(text: string): void {
    if (this.closed) return;
    this.waiting += `${text}\n`;
    if (this.waiting.length >= maxWaitingChars) this.flush();
    else this.timer ??= this.clock.after(flushMs, () => this.flush(), true);
  }

  close(): void {
    if (this.closed) return;
    this.flush();
    this.end();
  }

  /** A disk that is full ends the recording and not the lab. */
  private flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    try {
      let rest = Buffer.from(this.waiting);
      while (rest.length > 0) rest = rest.subarray(writeSync(this.fd, rest));
      this.waiting = '';
    } catch (cause) {
      const { message } = unwritable(this.path, cause);
      process.emitWarning(`the recording ends here: ${message}`, { code: 'FILE_UNWRITABLE' });
      this.end();
    }
  }

  private end(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}

function unwritable(path: string, cause: unknown): TunnelError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TunnelError('FILE_UNWRITABLE', `${path}: ${reason}`, { where: path, cause });
}
