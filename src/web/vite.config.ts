import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const source = fileURLToPath(new URL('..', import.meta.url));
/** What a browser can run, as `.dependency-cruiser.cjs` has it for modules without JSX. */
const allowed = /^(web|core|observe|links)\//;

/** Builds the page into `dist/web`: static files that ask no other host for anything. */
export default defineConfig({
  base: './',
  logLevel: 'warn',
  plugins: [
    {
      name: 'browser-only',
      enforce: 'pre',
      // Vite would put an empty module in the place of one of node, and the page would fail when it is used.
      resolveId(name, importer) {
        const file =
          name.startsWith('.') && importer !== undefined ? resolve(dirname(importer), name) : source;
        const isOwn = file !== source && !file.includes('node_modules');
        if (name.startsWith('node:') || (isOwn && !allowed.test(relative(source, file)))) {
          throw new Error(`${importer ?? ''} imports ${name}, which is not for the page`);
        }
      },
    },
  ],
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // A busy machine is no news.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
