import { planFault } from '../../src/links/fault-plan.js';
import { documentsOf, type Entry, type TestedEntry } from './entry.js';
import { type Family, families, idsOf } from './ids.js';

const open = '<!-- all 83: `npm run docs:faults` writes this from test/catalogue -->';
const close = '<!-- all 83: end -->';

/** The page with the tables of these entries between its markers. */
export function withEntries(page: string, entries: readonly Entry[]): string {
  const from = page.indexOf(open);
  const to = page.indexOf(close);
  if (from < 0 || to < from) throw new Error('docs/faults.md has no place for the tables of all faults');
  const tables = (Object.keys(families) as Family[]).map((family) => tableOf(family, entries));
  return `${page.slice(0, from)}${open}\n\n${tables.join('\n\n')}\n\n${page.slice(to)}`;
}

function tableOf(family: Family, entries: readonly Entry[]): string {
  const ids: readonly string[] = idsOf(family);
  const own = entries
    .filter(({ id }) => ids.includes(id))
    .toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
  const head = ['', 'fault', 'set by', 'the user sees', 'the journal has', 'when it is removed'];
  const rows = [head, head.map(() => '---'), ...own.map(cellsOf)];
  return `### ${families[family].title}\n\n${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`;
}

function cellsOf(entry: Entry): readonly string[] {
  const { id, title } = entry;
  if (!('inject' in entry)) return [id, title, `*No test:* ${entry.cannot}`, '', '', ''];
  const { asks, says, journal } = entry;
  const { kind, ...fields } = journal;
  const event = Object.keys(fields).length === 0 ? kind : `${kind} ${flow(fields)}`;
  return [
    id,
    title,
    setBy(entry),
    `${asks === undefined ? '' : `${asks}: `}${code(says)}`,
    code(event),
    healingOf(entry),
  ];
}

function setBy({ inject, lab = {} }: TestedEntry): string {
  const { timeScale: _, seed: __, ...needs } = lab;
  const documents = documentsOf(inject).map((document) => code(flow(document)));
  const text = typeof inject === 'object' && 'run' in inject ? inject.text : documents.join(', then ');
  return Object.keys(needs).length === 0 ? text : `${text}; a lab with ${code(flow(needs))}`;
}

function healingOf({ inject, heals }: TestedEntry): string {
  const texts = documentsOf(inject).map((document) => planFault(document).kind.heals);
  return heals ?? ([...new Set(texts)].join(' ') || 'All works again.');
}

/** One line of YAML. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null && !(value instanceof RegExp)) {
    const pairs = Object.entries(value).map(([name, inner]) => `${name}: ${flow(inner)}`);
    return `{ ${pairs.join(', ')} }`;
  }
  const isPlain = typeof value !== 'string' || /^(?=.*[a-z])[\w/][\w/.*-]*$/i.test(value);
  return isPlain ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/** Code in the cell of a table. */
function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  return `${fence}${text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')}${fence}`;
}
