#!/usr/bin/env node
// Generates the TypeScript types of proto/*.proto into src/wire/gen (types only, no run-time code).
// With --check it generates into a temporary folder instead and fails, with a list, when src/wire/gen differs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const protoFolder = join(root, 'proto');
const genFolder = join(root, 'src/wire/gen');

const generatorOptions = [
  '--longs=String',
  '--enums=String',
  '--defaults',
  '--oneofs',
  '--includeComments',
  '--grpcLib=@grpc/grpc-js',
  '--importFileExtension=.js',
];

function generatorPath() {
  const manifestPath = createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json');
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
  return join(dirname(manifestPath), manifest.bin['proto-loader-gen-types']);
}

function protoFiles() {
  return readdirSync(protoFolder)
    .filter((name) => name.endsWith('.proto'))
    .sort();
}

function generate(outFolder) {
  rmSync(outFolder, { recursive: true, force: true });
  const args = [generatorPath(), ...generatorOptions, '--includeDirs=proto', `--outDir=${outFolder}`];
  // The output names its sources as given: relative to the root, so that it is the same in every checkout.
  execFileSync(process.execPath, [...args, ...protoFiles()], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Relative path → text, of every file below `folder`. */
function readTree(folder) {
  const files = new Map();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    files.set(path.slice(folder.length + 1), readFileSync(path, 'utf8'));
  }
  return files;
}

function differences(expected, found) {
  const lines = [];
  for (const [path, text] of expected) {
    if (!found.has(path)) lines.push(`missing  ${path}`);
    else if (found.get(path) !== text) lines.push(`stale    ${path}`);
  }
  for (const path of found.keys()) if (!expected.has(path)) lines.push(`obsolete ${path}`);
  return lines.sort();
}

function check() {
  const scratch = mkdtempSync(join(tmpdir(), 'konnsim-gen-'));
  try {
    const fresh = join(scratch, 'gen');
    generate(fresh);
    return differences(readTree(fresh), readTree(genFolder));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function main(args) {
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) {
    console.error(`gen-proto: unknown argument ${unknown[0]}; usage: gen-proto.mjs [--check]`);
    return 2;
  }
  if (!args.includes('--check')) {
    generate(genFolder);
    return 0;
  }
  const lines = check();
  if (lines.length === 0) return 0;
  console.error(
    `src/wire/gen does not fit proto/*.proto; run \`npm run gen:proto\`:\n  ${lines.join('\n  ')}`,
  );
  return 1;
}

process.exitCode = main(process.argv.slice(2));
