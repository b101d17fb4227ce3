import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderOwner, isAlive, ownerText, parseOwner } from '../lab/folder-owner.js';
import { readTextSync } from '../pki/read-files.js';

/** Marks a folder as used by this process. Synchronous, so that a process that must end leaves no file. */
export class FolderLock {
  readonly path: string;
  private held = false;

  constructor(folder: string) {
    this.path = join(folder, 'lab.pid');
  }

  /**
   * Takes the folder, also from a process that has ended. Returns the living process that has it, or undefined when it
   * is ours now. Throws Node's system errors.
   */
  acquire(): number | undefined {
    for (;;) {
      if (this.create()) return undefined;
      const owner = ownerOf(this.path);
      if (owner !== undefined && isAlive(owner)) return owner.pid;
      this.removeLeftOver();
    }
  }

  release(): void {
    if (this.held) rmSync(this.path, { force: true });
    this.held = false;
  }

  /** Linked to its place after it was written, so that no process reads a lock without an owner. */
  private create(): boolean {
    const written = this.ownPath('new');
    try {
      writeFileSync(written, ownerText(), { mode: 0o600 });
      linkSync(written, this.path);
      this.held = true;
      return true;
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw caught;
    } finally {
      rmSync(written, { force: true });
    }
  }

  /** Moves the lock aside first. Another process that took the folder meanwhile gets it back. */
  private removeLeftOver(): void {
    const aside = this.ownPath('old');
    try {
      renameSync(this.path, aside);
      const owner = ownerOf(aside);
      if (owner !== undefined && isAlive(owner)) linkSync(aside, this.path);
    } catch (caught) {
      const code = (caught as NodeJS.ErrnoException).code;
      if (code !== 'ENOENT' && code !== 'EEXIST') throw caught;
    } finally {
      rmSync(aside, { force: true });
    }
  }

  private ownPath(what: string): string {
    return `${this.path}.${what}.${process.pid}`;
  }
}

function ownerOf(path: string): FolderOwner | undefined {
  try {
    return parseOwner(readTextSync(path));
  } catch {
    return undefined;
  }
}
