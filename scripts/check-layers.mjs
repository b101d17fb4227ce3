/**
 * Checks the import directions of src with dependency-cruiser, and checks the checker: with an unfit compiler it
 * reports success over no modules at all, so it must have seen every file, and imports among them.
 */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outputLimitBytes = 256 * 1024 * 1024;

const { modules, summary } = await cruise();
const files = await sourceFiles();
const problems = [...blindSpots(modules, files), ...summary.violations.map(violationText)];

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${files.length} modules, no violation`);

async function cruise() {
  const program = join(root, 'node_modules', '.bin', 'depcruise');
  const args = ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  const { stdout } = await promisify(execFile)(program, args, { cwd: root, maxBuffer: outputLimitBytes });
  return JSON.parse(stdout);
}

async function sourceFiles() {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.[cm]?ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

function blindSpots(seen, expected) {
  const sources = new Set(seen.map(({ source }) => source));
  const unseen = expected
    .filter((file) => !sources.has(file))
    .map((file) => `${file}: not seen by dependency-cruiser`);
  const imports = seen
    .flatMap(({ dependencies }) => dependencies)
    .filter(({ resolved }) => resolved.startsWith('src/'));
  if (imports.length === 0) unseen.push('src: dependency-cruiser saw no import between modules');
  return unseen;
}

function violationText({ from, to, rule, cycle }) {
  const way = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
  return `${from} → ${way}: ${rule.name}`;
}
