import { readFile } from 'node:fs/promises';
import { CORE_SCHEMA, load } from 'js-yaml';
import { expect, it } from 'vitest';
import { entries } from './entries.js';
import { documentsOf } from './entry.js';
import { allIds } from './ids.js';
import { flow, withEntries } from './page.js';

const page = new URL('../../docs/faults.md', import.meta.url);

it('the catalogue has 83 faults, and an entry for each', () => {
  expect(allIds).toHaveLength(83);
  const known = entries.map(({ id }) => id);
  expect(known.filter((id, index) => known.indexOf(id) !== index)).toEqual([]);
  expect(known.filter((id) => !allIds.includes(id))).toEqual([]);
  expect(allIds.filter((id) => !known.includes(id))).toEqual([]);
});

it('docs/faults.md has the tables of all entries; `npm run docs:faults` writes them', async () => {
  const written = withEntries(await readFile(page, 'utf8'), entries);
  await expect(written).toMatchFileSnapshot(page.pathname);
});

it('the documents on the page are YAML that can be pasted', () => {
  const documents = entries.flatMap((entry) => ('inject' in entry ? documentsOf(entry.inject) : []));
  for (const document of documents) expect(load(flow(document), { schema: CORE_SCHEMA })).toEqual(document);
});
