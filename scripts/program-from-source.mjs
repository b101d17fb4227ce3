// The entry of a program's process when the sources run without a build, as in tests. It is not shipped.
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = path('../node_modules/.cache/konnsim');
const outfile = `${folder}/program-${process.pid}.mjs`;
mkdirSync(folder, { recursive: true });
buildSync({
  entryPoints: [path('../src/containers/programs/main.ts')],
  ...{ outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' },
});
await import(pathToFileURL(outfile).href);
rmSync(outfile);
