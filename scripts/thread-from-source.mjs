// The entry of a container's thread when the sources run without a build, as in tests. It is not shipped.
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { buildSync } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = path('../node_modules/.cache/konnsim');
const outfile = `${folder}/thread-${process.pid}-${threadId}.mjs`;
mkdirSync(folder, { recursive: true });
buildSync({
  entryPoints: [path('../src/containers/threads/thread-main.ts')],
  ...{ outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' },
});
await import(pathToFileURL(outfile).href);
rmSync(outfile);
