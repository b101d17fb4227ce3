/** Lines of text whose columns stand below each other. The first `left` columns begin at the left, default 1. */
export function textTable(lines: readonly (readonly string[])[], left = 1): string {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [column, text] of line.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  const pad = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column < left ? text.padEnd(width) : text.padStart(width);
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** `-` for what was not measured. */
export function numberText(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}
