import { dirname } from 'node:path';
import type { Clock, Timer } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { type ClientTls, checkTlsFiles, type Renewable, type ServerTls } from './tls.js';
import { FolderWatch } from './tls-files-watch.js';

/** From the first sign of a change to a look at the files: a pair is two writes. */
const settleMs = 200;
/** How often the files are looked at anyway: not every file system tells of changes. */
const pollMs = 10_000;
/** The same while the files are bad: they are most likely being written. */
const retryMs = 1000;

/** What became of files that changed. */
export type TlsFilesChange =
  | { readonly kind: 'renewed' }
  /** The texts from before stay in use. Told once for each reason. */
  | { readonly kind: 'rejected'; readonly error: TunnelError };

export interface TlsFilesOptions<T> {
  /** Whose changes are looked for, each in its folder. */
  readonly files: readonly string[];
  /** Reads them all; may reject. */
  readonly read: () => Promise<T>;
  /** Whose they are, for errors: `server/server-1`. */
  readonly where: string;
  readonly clock: Clock;
  readonly changed: (change: TlsFilesChange) => void;
}

/** PEM files whose changes are noticed. */
export interface TlsFilesInUse<T> extends Renewable<T> {
  /** Looks no more; resolves when no file is being read. */
  close(): Promise<void>;
}

/**
 * Reads certificate, key and CA, and goes on looking for changes of their content: a renewed set is in use within
 * moments, with whatever was opened before untouched. Files that are missing, half written or do not belong together
 * change nothing until they are good again.
 *
 * Rejects with what `read` rejects with, and with CERT_INVALID.
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
  /** Why the files were bad at the last look. */
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
    // What changed between the first reading and here is seen as well.
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

  /** Looks after that time, or sooner if that is planned already. */
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
