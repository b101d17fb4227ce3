import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/**
 * Tells of changes in folders, as far as the system does. Folders, not files: whoever renews a file puts another one in
 * its place, and a mounted Secret swaps the one link `..data` beside it.
 */
export class FolderWatch {
  private readonly folders: ReadonlySet<string>;
  private readonly touched: () => void;
  private readonly watchers = new Map<string, FSWatcher>();

  constructor(folders: ReadonlySet<string>, touched: () => void) {
    this.folders = folders;
    this.touched = touched;
    this.renew();
  }

  /** Watches again what could not be watched, or has gone, in the meantime. */
  renew(): void {
    for (const folder of this.folders) if (!this.watchers.has(folder)) this.begin(folder);
  }

  close(): void {
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  private begin(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // A folder that goes is told of by its own name; the one in its place has to be watched anew.
        if (name === basename(folder)) this.end(folder, watcher);
        else this.touched();
      });
      this.watchers.set(folder, watcher);
      watcher.on('error', () => this.end(folder, watcher));
    } catch {
      // Not there, or no more watches to be had: it is tried again.
    }
  }

  private end(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.watchers.get(folder) === watcher) this.watchers.delete(folder);
    this.touched();
  }
}
