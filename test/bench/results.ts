import type { Sample } from './requests.js';
import { numberText, textTable } from './table.js';

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

/** Whose link between server and agent has no TLS; the others are held against `raw+tls`, too. */
const plainChains: readonly string[] = ['raw', 'ours-plain'];

/** What each value is held against: `raw`, and behind a slash `raw+tls` for a link with TLS. */
function ratiosOf(results: Results, { cell, field }: Row, chain: string): string {
  const value = results.median(cell, field, chain);
  const bases = chain === 'raw' ? [] : ['raw', ...(plainChains.includes(chain) ? [] : ['raw+tls'])];
  const ratios = bases
    .filter((base) => base !== chain)
    .map((base) => value / results.median(cell, field, base))
    .filter((ratio) => Number.isFinite(ratio));
  return ratios.length === 0 ? '' : ` (${ratios.map((ratio) => ratio.toFixed(2)).join(' / ')})`;
}

/** A table with a column for each chain; behind each value its ratios to the chains without a tunnel. */
export function tableOf(results: Results, rows: readonly Row[], chains: readonly string[]): string {
  const valueOf = (row: Row, chain: string): string => {
    const text = numberText(results.median(row.cell, row.field, chain), row.digits);
    return text === '-' ? text : `${text}${ratiosOf(results, row, chain)}`;
  };
  const body = rows.map((row) => [row.title, row.unit, ...chains.map((chain) => valueOf(row, chain))]);
  return textTable([['', 'unit', ...chains], ...body], 2);
}
