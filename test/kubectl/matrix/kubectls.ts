import { readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findKubectls, inspectKubectl, type KubectlBinary } from '../../support/kubectl.js';

const variable = 'KONNSIM_KUBECTLS';

/**
 * The kubectls of `npm test`; for the whole table also those that the variable KONNSIM_KUBECTLS names: files, or folders
 * in which every file called `kubectl…` counts, separated like PATH. One for each version, oldest first.
 */
export function findAllKubectls(whole: boolean): readonly KubectlBinary[] {
  const listed = whole ? (process.env[variable] ?? '').split(delimiter).filter((path) => path !== '') : [];
  const extra = listed.flatMap(filesOf).map(inspectKubectl);
  const byMinor = new Map([...extra, ...findKubectls()].map((binary) => [binary.minor, binary]));
  return [...byMinor.values()].sort((a, b) => a.minor - b.minor);
}

function filesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.startsWith('kubectl'))
    .map((name) => join(path, name));
}
