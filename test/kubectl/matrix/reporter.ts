import type { Reporter, TestCase } from 'vitest/node';
import './results.js';
import type { TableEntry } from './table.js';

/** Collects the reports of the cells' tests, and prints each at its end. */
export class CellReporter implements Reporter {
  readonly entries: TableEntry[] = [];
  private readonly say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.say = say;
  }

  onTestCaseResult(test: TestCase): void {
    const { cell } = test.meta();
    const result = test.result();
    if (cell === undefined || result.state === 'skipped') return;
    const error = result.errors?.[0]?.message;
    const passed = cell.reason === undefined ? 'passed' : 'limited';
    const entry: TableEntry = {
      ...cell,
      state: result.state === 'passed' ? passed : 'failed',
      ...(error === undefined ? {} : { error }),
    };
    this.entries.push(entry);
    const mark = entry.state === 'failed' ? '✗' : '✓';
    this.say(
      `${mark} ${entry.version} ${entry.name} ${Math.round(entry.timeMs)} ms ${error ?? ''}`.trimEnd(),
    );
  }
}
