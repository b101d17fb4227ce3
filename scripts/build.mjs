/** Builds `dist`, unless it is already what the sources, the scripts and the installed packages make. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { bundleShell } from './bundle-shell.mjs';
import { typeEntries } from './entries.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp.json');
const toolFiles = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

const before = readStamp();
const now = {
  tools: hashes([...toolFiles, 'node_modules/.package-lock.json', ...list('scripts')]),
  sources: hashes(list('src')),
};

if (JSON.stringify(before) !== JSON.stringify(now)) await buildDist();

async function buildDist() {
  rmSync(stampFile, { force: true });
  // The compiler leaves what it made of files that are gone.
  const sameTools = JSON.stringify(before?.tools) === JSON.stringify(now.tools);
  let fresh = !sameTools || Object.keys(before.sources).some((file) => !(file in now.sources));
  if (!fresh) compile();
  // It does not make a second time what was removed: types that are public only now.
  fresh ||= !keepPublicTypes();
  if (fresh) {
    rmSync(dist, { recursive: true, force: true });
    compile();
    keepPublicTypes();
  }
  const entry = 'src/containers/shell/bash-library.ts';
  if (fresh || before.sources[entry] !== now.sources[entry]) await bundleShell(dist);
  if (fresh || pageFiles(before.sources) !== pageFiles(now.sources)) await buildPage();
  writeFileSync(stampFile, JSON.stringify(now));
}

/** The files that the page may be made of: `.dependency-cruiser.cjs` has the same folders. */
function pageFiles(sources) {
  const files = Object.entries(sources).filter(([file]) =>
    /^src\/(web|core|observe|links|control)\//.test(file),
  );
  return JSON.stringify(files);
}

/** The page, as static files: `dist/web`. */
async function buildPage() {
  const page = join(root, 'src', 'web');
  await build({ root: page, configFile: join(page, 'vite.config.ts') });
}

function compile() {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  const { status, error } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Removes the types that no entry of the package leads to. False when it leads to some that are not there. */
function keepPublicTypes() {
  const kept = new Set(typeEntries);
  for (const file of kept) {
    if (!existsSync(file)) return false;
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g)) {
      kept.add(join(dirname(file), `${path}.d.ts`));
    }
  }
  const all = list('dist').filter((file) => file.endsWith('.d.ts'));
  for (const file of all.map((path) => join(root, path))) if (!kept.has(file)) rmSync(file);
  return true;
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The files below a folder, with their paths from the root. */
function list(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function hashes(files) {
  const hash = (file) =>
    createHash('sha256')
      .update(readFileSync(join(root, file)))
      .digest('base64');
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]));
}
