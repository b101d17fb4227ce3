import type { Clock } from '../core/clock.js';
import { readTextSync } from '../pki/read-files.js';

/** Mounted tokens and certificates are replaced well before they expire. client-go also reads them once a minute. */
const freshMs = 60_000;

/** The text of a file, read again when it is a minute old. When the file has gone, its last text stays in use. */
export class FileText {
  private readonly path: string;
  private readonly clock: Clock;
  private last: { readonly text: string; readonly readAt: number } | undefined;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  /** Throws FILE_UNREADABLE when the file could never be read. */
  read(): string {
    const now = this.clock.now();
    if (this.last !== undefined && now - this.last.readAt < freshMs) return this.last.text;
    try {
      this.last = { text: readTextSync(this.path), readAt: now };
    } catch (cause) {
      if (this.last === undefined) throw cause;
    }
    return this.last.text;
  }
}
