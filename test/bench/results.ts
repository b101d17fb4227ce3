import type { Sample } from './load.js';

/** One line of the table: one number of one cell, of every chain. */
export interface Row {
  readonly title: string;
  readonly unit: string;
  readonly cell: string;
  readonly field: string;
  /** Digits behind the point. */
  readonly digits: number;
}

/** All samples of a run, by cell and chain. */
export class Results {
  private readonly samples = new Map<string, Map<string, Sample[]>>();

  add(cell: string, chain: string, sample: Sample): void {
    const ofCell = this.samples.get(cell) ?? new Map<string, Sample[]>();
    this.samples.set(cell, ofCell);
    ofCell.set(chain, [...(ofCell.get(chain) ?? []), sample]);
  }

  /** NaN when nothing was measured. */
  median(cell: string, field: string, chain: string): number {
    const values = (this.samples.get(cell)?.get(chain) ?? []).map((sample) => sample[field] ?? Number.NaN);
    return median(values.filter((value) => Number.isFinite(value)));
  }

  toJSON(): unknown {
    return Object.fromEntries([...this.samples].map(([cell, chains]) => [cell, Object.fromEntries(chains)]));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A table with a column for each chain; behind each value of another chain its ratio to the first one's. */
export function tableOf(results: Results, rows: readonly Row[], chains: readonly string[]): string {
  const [base = ''] = chains;
  const valueOf = (row: Row, chain: string): string => {
    const value = results.median(row.cell, row.field, chain);
    if (!Number.isFinite(value)) return '-';
    const text = value.toFixed(row.digits);
    const ratio = value / results.median(row.cell, row.field, base);
    return chain === base || !Number.isFinite(ratio) ? text : `${text} (${ratio.toFixed(2)})`;
  };
  const head = ['', 'unit', ...chains];
  const body = rows.map((row) => [row.title, row.unit, ...chains.map((chain) => valueOf(row, chain))]);
  const lines = [head, ...body];
  const widths = head.map((_name, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column < 2 ? text.padEnd(width) : text.padStart(width);
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}
