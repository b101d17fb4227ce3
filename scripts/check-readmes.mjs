/**
 * Checks the map of src and the guide of each of its folders: each is there, names every folder inside it and no file
 * that is gone; guides fit on a screen.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const maxLines = 40;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src');
const folders = foldersIn(source);

const problems = [
  ...missingFiles('', readFileSync(join(source, 'README.md'), 'utf8')),
  ...unnamedFolders('', readFileSync(join(source, 'README.md'), 'utf8')),
  ...folders.flatMap(problemsOf),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`readmes: ${folders.length} folders`);

function problemsOf(folder) {
  const path = join(source, folder, 'README.md');
  if (!existsSync(path)) return [`src/${folder}: no README.md`];
  const text = readFileSync(path, 'utf8');
  const lines = text.trimEnd().split('\n').length;
  const tooLong = lines > maxLines ? [`src/${folder}/README.md: ${lines} lines, at most ${maxLines}`] : [];
  return [...tooLong, ...missingFiles(folder, text), ...unnamedFolders(folder, text)];
}

function foldersIn(path) {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** A guide tells of each folder inside its own, by a file of it or by its name. */
function unnamedFolders(folder, text) {
  const unnamed = foldersIn(join(source, folder)).filter((name) => !text.includes(`\`${name}/`));
  return unnamed.map((name) => `${join('src', folder, 'README.md')}: no word of ${name}/`);
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
  return named
    .filter((name) => !known(name))
    .map((name) => `${join('src', folder, 'README.md')}: no file ${name}`);
}
