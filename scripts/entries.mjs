/** The types of the package's entries, from its `exports`: `index.d.ts`, `testing/vitest.d.ts`, below `dist`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export const typeEntries = Object.values(exports).flatMap(({ types }) =>
  types === undefined ? [] : [join(root, types)],
);
