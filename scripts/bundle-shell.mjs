/**
 * Puts a bundle of what the sandbox's shell uses of `just-bash` in the place of the compiled `bash-library.js`, and the
 * licences of all that is in it into the package. A command of the library stays a file, loaded when it is first used.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const name = 'bash-library';

/** Parts of the library that no script can reach: commands not switched on, `tar` (ours replaces it), and the network. */
const leftOutParts = ['sqlite3', 'tar', 'python3', 'js-exec', 'curl', 'undici', 'flag-coverage'];
/** What the library needs for these alone. */
const leftOutPackages = ['sql.js', 'modern-tar', 'seek-bzip', 'quickjs-emscripten', 'undici'];

export async function bundleShell(dist) {
  const folder = join(dist, 'containers', 'shell');
  rmSync(join(folder, name), { recursive: true, force: true });
  const left = new Set();
  const { metafile } = await build({
    ...{ absWorkingDir: root, outdir: folder, entryNames: '[name]', chunkNames: `${name}/[name]-[hash]` },
    entryPoints: [join(root, 'src', 'containers', 'shell', `${name}.ts`)],
    ...{ bundle: true, splitting: true, minify: true, metafile: true, logLevel: 'warning' },
    ...{ platform: 'node', format: 'esm', target: 'node20' },
    plugins: [leaveOut(left)],
  });
  const missed = leftOutParts.filter((part) => !left.has(part));
  if (missed.length > 0) throw new Error(`just-bash has changed: it has no part ${missed.join(', ')}`);
  const needed = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(isForeign));
  if (needed.length > 0) throw new Error(`the bundle imports ${needed.map(({ path }) => path).join(', ')}`);
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES'), licences(bundledPackages(metafile)));
}

const isForeign = ({ path, external }) => external === true && !path.startsWith('node:');

function leaveOut(left) {
  return {
    name: 'leave-out',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^\.\/(chunks\/)?[\w-]+-[A-Z0-9]{8}\.js$/ }, ({ path }) => {
        const part = path.replace(/^.*\/|-[A-Z0-9]{8}\.js$/g, '');
        if (!leftOutParts.includes(part)) return undefined;
        left.add(part);
        return { path: part, namespace: 'left-out' };
      });
      onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
        contents: `throw new Error('${path} is no part of the sandbox');`,
      }));
    },
  };
}

/** Folders of the packages in the bundle. The library is a bundle itself, so all that it depends on counts as inside. */
function bundledPackages({ inputs }) {
  const seen = Object.keys(inputs).flatMap(
    (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  const folders = new Set(seen.map((path) => join(root, path)));
  for (const folder of folders) {
    for (const dependency of Object.keys(manifest(folder).dependencies ?? {})) {
      if (!leftOutPackages.includes(dependency)) folders.add(packageFolder(dependency, folder));
    }
  }
  return [...folders];
}

const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

function packageFolder(wanted, from) {
  for (let folder = from; folder.startsWith(modules); folder = dirname(folder)) {
    const found = join(folder, 'node_modules', wanted);
    if (existsSync(found)) return found;
  }
  return join(modules, wanted);
}

function licences(folders) {
  const texts = folders.map((folder) => {
    const { name: packageName, version, license, author } = manifest(folder);
    return `${packageName} ${version} (${license})\n\n${licenceText(folder, { license, author })}\n`;
  });
  const head = 'This package contains parts of the following packages, bundled in dist/containers/shell.\n';
  return [head, ...texts.sort()].join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceText(folder, { license, author }) {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file !== undefined) return readFileSync(join(folder, file), 'utf8').trim();
  if (license !== 'MIT') throw new Error(`${folder} has no file with its licence`);
  // A few packages name the licence only.
  return `Copyright (c) ${author.name ?? author}\n\nThe MIT License, as its text stands at other packages of this list.`;
}
