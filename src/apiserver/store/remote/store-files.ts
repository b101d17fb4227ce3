import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../../../core/clock.js';
import { TunnelError } from '../../../core/errors.js';
import type { MemoryStore } from '../object-store.js';
import type { Snapshot, Step } from '../step.js';
import { type Run, StoreRuns } from './store-runs.js';

const snapshotName = 'snapshot.json';
const logPattern = /^steps-\d+\.ndjson$/;
const flushEveryMs = 1000;
/** When the log is this long, it is replaced by a snapshot. */
const maxLogBytes = 16 * 1024 * 1024;

export interface StoreFilesOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Default 16 MiB. */
  readonly maxLogBytes?: number;
}

interface SavedSnapshot extends Snapshot {
  readonly runs: readonly Run[];
}

type Line = Step | { readonly run: Run };

/**
 * A store's objects on disk: a snapshot, and a log of the later steps. The kernel gets a step before any reader sees
 * it, so it survives the end of the process. The disk has it within a second, so a power failure may lose the steps of
 * the last second. Replicas that have seen those then list again.
 */
export class StoreFiles {
  private readonly options: StoreFilesOptions;
  private runs: readonly Run[] = [];
  private log = -1;
  private sizeBytes = 0;
  private dirty: Timer | undefined;
  private flushing = false;

  constructor(options: StoreFilesOptions) {
    this.options = options;
  }

  /** Restores the last run; logs all steps. `begin` fills a new store. Throws FILE_UNREADABLE, FILE_UNWRITABLE. */
  open(store: MemoryStore, begin: () => void): StoreRuns {
    const saved = this.read();
    if (saved === undefined) begin();
    else {
      store.load(saved);
      this.runs = saved.runs;
      this.replay(store);
    }
    const runs = new StoreRuns(this.runs, store.revision);
    this.runs = runs.all;
    this.guard(() => {
      mkdirSync(this.options.folder, { recursive: true, mode: 0o700 });
      if (saved === undefined) this.fold(store.snapshot());
      else this.append({ run: runs.all.at(-1) ?? { id: '', from: 0 } });
    });
    store.writeAhead = (step) => {
      if (this.sizeBytes > (this.options.maxLogBytes ?? maxLogBytes))
        this.guard(() => this.fold(store.snapshot()));
      this.guard(() => this.append(step));
    };
    return runs;
  }

  close(): void {
    this.dirty?.cancel();
    if (this.log < 0) return;
    fdatasyncSync(this.log);
    closeSync(this.log);
    this.log = -1;
  }

  private path(name: string): string {
    return join(this.options.folder, name);
  }

  private read(): SavedSnapshot | undefined {
    const path = this.path(snapshotName);
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as SavedSnapshot;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new TunnelError('FILE_UNREADABLE', `cannot read ${path}: ${(cause as Error).message}`, {
        where: 'store',
        cause,
      });
    }
  }

  /** Applies the steps of the log. A half-written last step is cut off: no reader has seen it. */
  private replay(store: MemoryStore): void {
    const path = this.path(logName(store.revision));
    this.guard(() => {
      this.log = openSync(path, 'a+', 0o600);
    });
    const bytes = readFileSync(path);
    this.sizeBytes = bytes.lastIndexOf('\n') + 1;
    const lines = bytes.subarray(0, this.sizeBytes).toString().split('\n').slice(0, -1);
    for (const [index, text] of lines.entries()) {
      try {
        const line = JSON.parse(text) as Line;
        if ('run' in line) this.runs = [...this.runs, line.run];
        else store.apply(line);
      } catch (cause) {
        const message = `line ${index + 1} of ${path} is damaged: ${(cause as Error).message}`;
        throw new TunnelError('FILE_UNREADABLE', message, { where: 'store', cause });
      }
    }
    this.guard(() => ftruncateSync(this.log, this.sizeBytes));
  }

  private append(line: Line): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.log, bytes, done);
    } catch (cause) {
      // Half a line would spoil the next one.
      ftruncateSync(this.log, this.sizeBytes);
      throw cause;
    }
    this.sizeBytes += bytes.length;
    this.dirty ??= this.options.clock.after(flushEveryMs, () => this.flush(), true);
  }

  private flush(): void {
    this.dirty = undefined;
    if (this.log < 0 || this.flushing) return;
    this.flushing = true;
    fdatasync(this.log, () => {
      this.flushing = false;
    });
  }

  /** Starts a new log after a snapshot. Each file is complete before it is used. */
  private fold(snapshot: Snapshot): void {
    const next = this.path(`${snapshotName}.new`);
    const saved: SavedSnapshot = { ...snapshot, runs: this.runs };
    const file = openSync(next, 'w', 0o600);
    try {
      const bytes = Buffer.from(JSON.stringify(saved));
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const name = logName(snapshot.revision);
    const log = openSync(this.path(name), 'w', 0o600);
    renameSync(next, this.path(snapshotName));
    this.syncFolder();
    if (this.log >= 0) closeSync(this.log);
    this.log = log;
    this.sizeBytes = 0;
    for (const old of readdirSync(this.options.folder))
      if (logPattern.test(old) && old !== name) rmSync(this.path(old), { force: true });
  }

  private syncFolder(): void {
    const folder = openSync(this.options.folder, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  private guard(act: () => void): void {
    try {
      act();
    } catch (cause) {
      const text = `cannot write to ${this.options.folder}: ${(cause as Error).message}`;
      throw new TunnelError('FILE_UNWRITABLE', text, { where: 'store', cause });
    }
  }
}

function logName(revision: number): string {
  return `steps-${revision}.ndjson`;
}
