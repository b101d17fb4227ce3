/** Checks the guide of each folder of src: it is there, fits on a screen, and names no file that is gone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const mostLines = 40;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src');
const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());

const problems = folders.flatMap(({ name }) => problemsOf(name));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`readmes: ${folders.length} folders`);

function problemsOf(folder) {
  const path = join(source, folder, 'README.md');
  if (!existsSync(path)) return [`src/${folder}: no README.md`];
  const text = readFileSync(path, 'utf8');
  const lines = text.trimEnd().split('\n').length;
  const tooLong = lines > mostLines ? [`src/${folder}/README.md: ${lines} lines, at most ${mostLines}`] : [];
  return [...tooLong, ...missingFiles(folder, text)];
}

/** A file may be named by its path in the folder, in src or in the repository, or by its bare name somewhere in the folder. */
function missingFiles(folder, text) {
  const files = readdirSync(join(source, folder), { recursive: true }).map((file) =>
    file.split('\\').join('/'),
  );
  const known = (name) =>
    files.some((file) => file === name || file.endsWith(`/${name}`)) ||
    existsSync(join(source, name)) ||
    existsSync(join(root, name));
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|proto))`/g)].map(([, name]) => name);
  return named.filter((name) => !known(name)).map((name) => `src/${folder}/README.md: no file ${name}`);
}
