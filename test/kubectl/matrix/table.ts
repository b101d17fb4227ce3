import type { CellResult } from './results.js';

/** A cell and how its test ended. */
export interface TableEntry extends CellResult {
  readonly state: 'passed' | 'failed' | 'limited';
  /** First error of a cell that failed. */
  readonly error?: string;
}

/** `[first row: ['kubectl', '1.27', …], ['get', '✓ 0.3 s', …], …]`. */
export type TableRows = readonly (readonly string[])[];

export interface RenderedTable {
  readonly rows: TableRows;
  /** `(1) why not`, and `✗ 1.30 exec: what went wrong`. */
  readonly notes: readonly string[];
}

/** Lays entries out: one row for each cell, one column for each version, in the order of their first entries. */
export function layOut(entries: readonly TableEntry[]): RenderedTable {
  const versions = [...new Set(entries.map(({ version }) => version))];
  const names = [...new Set(entries.map(({ name }) => name))];
  const reasons = [
    ...new Set(entries.flatMap(({ state, reason }) => (state === 'limited' ? [reason ?? ''] : []))),
  ];
  const textAt = (name: string, version: string): string => {
    const entry = entries.find((each) => each.name === name && each.version === version);
    return entry === undefined ? '' : textOf(entry, reasons);
  };
  const failures = entries.filter(({ state }) => state === 'failed');
  return {
    rows: [
      ['kubectl', ...versions],
      ...names.map((name) => [name, ...versions.map((each) => textAt(name, each))]),
    ],
    notes: [
      ...reasons.map((reason, index) => `(${index + 1}) ${reason}`),
      ...failures.map(
        ({ version, name, error = 'no reason known' }) => `✗ ${version} ${name}: ${firstLine(error)}`,
      ),
    ],
  };
}

function textOf({ state, timeMs, wires, reason = '' }: TableEntry, reasons: readonly string[]): string {
  if (state === 'limited') return `(${reasons.indexOf(reason) + 1})`;
  if (state === 'failed') return ['✗', ...wires].join(' ');
  return ['✓', `${(timeMs / 1000).toFixed(1)} s`, ...wires].join(' ');
}

export function toTerminal({ rows, notes }: RenderedTable): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${[...lines, '', ...notes].join('\n').trimEnd()}\n`;
}

export function toMarkdown({ rows: [head = [], ...body], notes }: RenderedTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map(() => '---');
  const under = notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)];
  return `${[line(head), line(rule), ...body.map(line), ...under].join('\n')}\n`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
