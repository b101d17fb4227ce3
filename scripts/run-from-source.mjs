// Runs an entry of the sources without a build, as tests do. It is not shipped.
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** `entry` is relative to the folder of the sources; `name` differs for all that run at the same time. */
export async function runFromSource(entry, name) {
  const folder = path('../node_modules/.cache/konnsim');
  const outfile = `${folder}/${name}.mjs`;
  mkdirSync(folder, { recursive: true });
  buildSync({
    entryPoints: [path(`../src/${entry}`)],
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' },
  });
  await import(pathToFileURL(outfile).href);
  rmSync(outfile);
}
