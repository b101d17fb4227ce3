import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/** Watches folders, not files: a renewal replaces a file, and a mounted Secret replaces only its link `..data`. */
export class FolderWatch {
  private readonly folders: ReadonlySet<string>;
  private readonly touched: () => void;
  private readonly watchers = new Map<string, FSWatcher>();

  constructor(folders: ReadonlySet<string>, touched: () => void) {
    this.folders = folders;
    this.touched = touched;
    this.renew();
  }

  /** Watches folders again that were missing or gone. */
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
        // When a folder is removed, the event has its own name. The folder in its place must be watched again.
        if (name === basename(folder)) this.end(folder, watcher);
        else this.touched();
      });
      this.watchers.set(folder, watcher);
      watcher.on('error', () => this.end(folder, watcher));
    } catch {
      // The folder is missing, or the system has no more watches. This is tried again.
    }
  }

  private end(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.watchers.get(folder) === watcher) this.watchers.delete(folder);
    this.touched();
  }
}
