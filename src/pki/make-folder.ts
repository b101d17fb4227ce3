import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder with mode 0700, and the missing folders above it. Returns the topmost new folder, or undefined when
 * all existed. Synchronous, so that a process which is about to end knows what it has created. Throws Node's system
 * errors.
 *
 * Not `mkdir` with `recursive`: that never returns on file systems where folders cannot be created, such as `/proc`.
 */
export function makeFolder(path: string): string | undefined {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed()) mkdirSync(folder, { mode: 0o700 });
  return missing.at(-1);
}
