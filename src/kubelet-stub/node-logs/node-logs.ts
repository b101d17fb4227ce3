import type { Runtime } from '../../containers/runtime.js';
import { LogTree } from './log-tree.js';

/** The folder of logs over time: what is in it now, and since when that is so. */
export class NodeLogs {
  private readonly runtime: Pick<Runtime, 'logFiles'>;
  private readonly wallTimeMs: () => number;
  private paths: string | undefined;
  private changedMs = 0;

  constructor(runtime: Pick<Runtime, 'logFiles'>, wallTimeMs: () => number) {
    this.runtime = runtime;
    this.wallTimeMs = wallTimeMs;
  }

  /** `changedMs` (epoch) is when the first request saw the tree as it is. */
  read(): { readonly tree: LogTree; readonly changedMs: number } {
    const tree = new LogTree(this.runtime.logFiles());
    if (tree.paths !== this.paths) {
      this.paths = tree.paths;
      this.changedMs = this.wallTimeMs();
    }
    return { tree, changedMs: this.changedMs };
  }
}
