import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import type { LookupFailure } from '../shell/exec-error.js';

export type FoundProgram =
  | { readonly kind: 'found'; readonly file: string }
  | { readonly kind: 'failed'; readonly failure: LookupFailure };

/** Searches a program as a shell would: along `path`, unless its name has a slash. */
export async function findProgram(name: string, path: string, cwd: string): Promise<FoundProgram> {
  if (name.includes('/')) return inspect(resolve(cwd, name));
  if (name !== '') {
    for (const folder of path.split(delimiter)) {
      const found = await inspect(resolve(cwd, folder, name));
      if (found.kind === 'found') return found;
    }
  }
  return { kind: 'failed', failure: 'not on path' };
}

async function inspect(file: string): Promise<FoundProgram> {
  try {
    if ((await stat(file)).isDirectory()) return { kind: 'failed', failure: 'is a directory' };
    await access(file, constants.X_OK);
    return { kind: 'found', file };
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    return { kind: 'failed', failure: denied ? 'not executable' : 'no such file' };
  }
}
