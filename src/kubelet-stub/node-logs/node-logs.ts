import type { Runtime } from '../../containers/runtime.js';
import { LogTree } from './log-tree.js';

/** The log folder over time: its present content, and since when it has that content. */
export class NodeLogs {
  private readonly runtime: Pick<Runtime, 'logFiles'>;
  private readonly wallTimeMs: () => number;
  private paths: string | undefined;
  private changedMs = 0;

  constructor(runtime: Pick<Runtime, 'logFiles'>, wallTimeMs: () => number) {
    this.runtime = runtime;
    this.wallTimeMs = wallTimeMs;
  }

  /** `changedMs` (epoch) is when this content was first requested. */
  read(): { readonly tree: LogTree; readonly changedMs: number } {
    const tree = new LogTree(this.runtime.logFiles());
    if (tree.paths !== this.paths) {
      this.paths = tree.paths;
      this.changedMs = this.wallTimeMs();
    }
    return { tree, changedMs: this.changedMs };
  }
}
