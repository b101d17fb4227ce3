import { dirname } from 'node:path';
import type { Clock, Timer } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { type ClientTls, checkTlsFiles, type Renewable, type ServerTls } from './tls.js';
import { FolderWatch } from './tls-files-watch.js';

/** The time from the first sign of a change until the files are read, ms: a pair needs two writes. */
const settleMs = 200;
/** How often the files are read without a sign, ms: not every file system reports changes. */
const pollMs = 10_000;
/** The same while the files are bad, ms: they are probably being written. */
const retryMs = 1000;

/** The result of changed files. */
export type TlsFilesChange =
  | { readonly kind: 'renewed' }
  /** The earlier texts stay in use. Reported once for each reason. */
  | { readonly kind: 'rejected'; readonly error: TunnelError };

export interface TlsFilesOptions<T> {
  /** The files to watch, each in its folder. */
  readonly files: readonly string[];
  /** Reads all of them. It may reject. */
  readonly read: () => Promise<T>;
  /** The part that uses them, for errors: `server/server-1`. */
  readonly where: string;
  readonly clock: Clock;
  readonly changed: (change: TlsFilesChange) => void;
}

/** PEM files that are read again when they change. */
export interface TlsFilesInUse<T> extends Renewable<T> {
  /** Stops watching. Resolves when no file is being read. */
  close(): Promise<void>;
}

/**
 * Reads certificate, key and CA, and watches their content. A renewed set is used within moments; open connections stay
 * as they are. Files that are missing, incomplete or do not fit together change nothing until they are good again.
 *
 * Rejects with the errors of `read`, and with CERT_INVALID.
 */
export async function useTlsFiles<T extends ServerTls | ClientTls>(
  options: TlsFilesOptions<T>,
): Promise<TlsFilesInUse<T>> {
  const texts = await options.read();
  checkTlsFiles(texts, options.where);
  return new WatchedTlsFiles(options, texts);
}

class WatchedTlsFiles<T extends ServerTls | ClientTls> implements TlsFilesInUse<T> {
  private readonly options: TlsFilesOptions<T>;
  private readonly takers = new Set<(texts: T) => void>();
  private readonly folders: FolderWatch;
  private texts: T;
  /** Why the files were bad when they were read last. */
  private fault: string | undefined;
  private timer: Timer | undefined;
  private dueAt = Infinity;
  private looking: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: TlsFilesOptions<T>, texts: T) {
    this.options = options;
    this.texts = texts;
    const folders = new Set(options.files.map((file) => dirname(file)));
    this.folders = new FolderWatch(folders, () => this.lookIn(settleMs));
    // This also sees changes since the first reading.
    this.lookIn(settleMs);
  }

  get current(): T {
    return this.texts;
  }

  subscribe(take: (texts: T) => void): () => void {
    this.takers.add(take);
    return () => void this.takers.delete(take);
  }

  close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    this.folders.close();
    this.takers.clear();
    return this.looking;
  }

  /** Reads the files after that time, or sooner when that is planned already. */
  private lookIn(delayMs: number): void {
    const { clock } = this.options;
    const at = clock.now() + delayMs;
    if (this.closed || this.dueAt <= at) return;
    this.timer?.cancel();
    this.dueAt = at;
    this.timer = clock.after(delayMs, () => this.due(), true);
  }

  private due(): void {
    this.dueAt = Infinity;
    this.folders.renew();
    this.looking = this.looking
      .then(() => this.look())
      .then(() => this.lookIn(this.fault === undefined ? pollMs : retryMs));
  }

  private async look(): Promise<void> {
    const { read, where, changed } = this.options;
    try {
      const texts = await read();
      if (this.closed) return;
      const renewed = JSON.stringify(texts) !== JSON.stringify(this.texts);
      if (renewed) checkTlsFiles(texts, where);
      this.fault = undefined;
      if (!renewed) return;
      this.texts = texts;
      for (const take of this.takers) take(texts);
      changed({ kind: 'renewed' });
    } catch (caught) {
      this.reject(TunnelError.from(caught, 'CERT_INVALID', where));
    }
  }

  private reject(error: TunnelError): void {
    if (this.closed || this.fault === error.message) return;
    this.fault = error.message;
    this.options.changed({ kind: 'rejected', error });
  }
}
