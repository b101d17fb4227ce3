import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MiddlewareHandler } from 'hono';

/** Where the build puts the page. Both `src/control` and `dist/control` are two folders below the package. */
export const builtPage = fileURLToPath(new URL('../../dist/web', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};

const noPage = `konnectivity-sim: the control API of this lab

The page is not built; \`npm run build\` makes it. The API is here:
  /openapi.json   all paths
  /v1/cluster     the lab
  /v1/events      what happened
`;

/** Serves the page. Only the files that are in the folder when it begins have an address, so none outside it has. */
export function staticFiles(folder: string): MiddlewareHandler {
  const paths = existsSync(folder) ? listed(folder) : new Map<string, string>();
  return async ({ req, body, text }, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    const path = req.path === '/' ? '/index.html' : req.path;
    const file = paths.get(path);
    if (file === undefined) return req.path === '/' ? text(noPage) : next();
    const type = types[extname(file)];
    if (type === undefined) return next();
    // The build names what it may keep by its content.
    const isNamed = path.startsWith('/assets/');
    return body(new Uint8Array(await readFile(file)), 200, {
      'content-type': type,
      'cache-control': isNamed ? 'public, max-age=31536000, immutable' : 'no-store',
    });
  };
}

function listed(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(files.map((file) => [file.slice(folder.length).replaceAll('\\', '/'), file]));
}
