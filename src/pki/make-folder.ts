import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder with mode 0700, and those above it. Returns the topmost that it made, or undefined when all were there.
 * Synchronous, so that a process that is about to end knows what it has made. Throws Node's system errors.
 *
 * Not `mkdir` with `recursive`: that does not come back from file systems where nothing can be made, such as `/proc`.
 */
export function makeFolder(path: string): string | undefined {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed()) mkdirSync(folder, { mode: 0o700 });
  return missing.at(-1);
}
