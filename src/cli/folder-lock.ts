import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Marks a folder as in use by this process. All of it is synchronous: there is no moment between look and claim. */
export class FolderLock {
  readonly path: string;
  private held = false;

  constructor(folder: string) {
    this.path = join(folder, 'lab.pid');
  }

  /**
   * Takes the folder, also from a process that is no more. Returns the living process that has it, or undefined when it
   * is ours now. Throws Node's system errors.
   */
  acquire(): number | undefined {
    for (;;) {
      if (this.create()) return undefined;
      const owner = this.owner();
      if (owner !== undefined && isAlive(owner)) return owner;
      rmSync(this.path, { force: true });
    }
  }

  release(): void {
    if (this.held) rmSync(this.path, { force: true });
    this.held = false;
  }

  private create(): boolean {
    try {
      writeFileSync(this.path, `${process.pid}\n`, { mode: 0o600, flag: 'wx' });
      this.held = true;
      return true;
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw caught;
    }
  }

  private owner(): number | undefined {
    try {
      const pid = Number(readFileSync(this.path, 'utf8'));
      return Number.isInteger(pid) && pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
