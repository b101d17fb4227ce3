/** The page that the bench writes its tables into, and the folder of its plots. */
export const docsFolder = new URL('../../docs/', import.meta.url);
export const docsPage = new URL('performance.md', docsFolder);

const open = (name: string): string => `<!-- bench: ${name} -->`;
const close = '<!-- bench: end -->';

/** What stands between the markers of `name`. Throws an Error when the page has not both. */
function bounds(page: string, name: string): { readonly from: number; readonly to: number } {
  const at = page.indexOf(open(name));
  const from = at + open(name).length;
  const to = page.indexOf(close, from);
  if (at < 0 || to < 0) throw new Error(`the page has no place for "${name}"`);
  return { from, to };
}

/** The page with `text` between the markers of `name`, on lines of its own. Throws an Error without such markers. */
export function withBlock(page: string, name: string, text: string): string {
  const { from, to } = bounds(page, name);
  return `${page.slice(0, from)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

/**
 * The same for a Markdown table: a line that is already there and begins with a cell for which there is no new line
 * stays, so that a run may measure a part.
 */
export function withTable(page: string, name: string, lines: readonly (readonly string[])[]): string {
  const { from, to } = bounds(page, name);
  const known = new Map(
    page
      .slice(from, to)
      .split('\n')
      .map((line) => [firstCell(line), line] as const),
  );
  const merged = lines.map((cells, row) => {
    const line = `| ${cells.join(' | ')} |`;
    return cells.includes(unknown)
      ? (known.get(firstCell(line)) ?? line)
      : `${line}${row === 0 ? rule(cells.length) : ''}`;
  });
  return withBlock(page, name, merged.join('\n'));
}

/** In the cell of a value that this run has not measured. */
export const unknown = '-';

const firstCell = (line: string): string => line.split('|')[1]?.trim() ?? '';
const rule = (columns: number): string => `\n|${' --- |'.repeat(columns)}`;
