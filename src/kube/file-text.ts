import { readFileSync } from 'node:fs';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';

/** Mounted tokens and certificates are replaced well before they end; client-go looks once a minute, too. */
const freshMs = 60_000;

/** The text of a file, read again when it is a minute old. A file that goes away leaves its last text. */
export class FileText {
  private readonly path: string;
  private readonly clock: Clock;
  private last: { readonly text: string; readonly readAt: number } | undefined;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  /** Throws FILE_UNREADABLE when it could never be read. */
  read(): string {
    const now = this.clock.now();
    if (this.last !== undefined && now - this.last.readAt < freshMs) return this.last.text;
    try {
      this.last = { text: readFileSync(this.path, 'utf8'), readAt: now };
    } catch (cause) {
      if (this.last === undefined) throw TunnelError.from(cause, 'FILE_UNREADABLE', this.path);
    }
    return this.last.text;
  }
}
