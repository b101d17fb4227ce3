import type { ExecResult, ResolvedCommandContext } from './bash-library.js';

/** Options with which folders are listed by name, in ascending or descending order. */
const plainOptions = /^-[RaAlrhFp1]+$/;

interface Wish {
  readonly options: readonly string[];
  readonly folders: readonly string[];
  readonly hidden: boolean;
  readonly reversed: boolean;
}

/**
 * `ls -R`, one folder after the other. The library's own joins at each level everything that it has listed below, so it
 * needs minutes for deep folders. Undefined for other commands, and for listings that only the library supports.
 */
export async function listTree(
  args: readonly string[],
  context: ResolvedCommandContext,
): Promise<ExecResult | undefined> {
  const wish = wishOf(args);
  if (wish === undefined || context.origCommand === undefined) return undefined;
  for (const folder of wish.folders) if (!(await isFolder(folder, context))) return undefined;
  const [parts, errors]: [string[], string[]] = [[], []];
  let exitCode = 0;
  for (const folder of wish.folders) {
    for await (const path of foldersIn(folder, wish, context)) {
      const listed = await context.origCommand([...wish.options, path]);
      parts.push(`${path}:\n${listed.stdout}`);
      errors.push(listed.stderr);
      exitCode = Math.max(exitCode, listed.exitCode);
    }
  }
  return { stdout: parts.join('\n'), stderr: errors.join(''), exitCode };
}

function wishOf(args: readonly string[]): Wish | undefined {
  const folders = args.filter((arg) => !arg.startsWith('-'));
  const given = args.filter((arg) => arg.startsWith('-')).map((arg) => (arg === '--recursive' ? '-R' : arg));
  const has = (letter: string): boolean => given.some((option) => option.includes(letter));
  if (!given.every((option) => plainOptions.test(option)) || !has('R')) return undefined;
  return {
    options: given.map((option) => option.replaceAll('R', '')).filter((option) => option !== '-'),
    folders: folders.length === 0 ? ['.'] : folders,
    hidden: has('a') || has('A'),
    reversed: has('r'),
  };
}

async function isFolder(path: string, { fs, cwd }: ResolvedCommandContext): Promise<boolean> {
  return fs.stat(fs.resolvePath(cwd, path)).then(
    (found) => found.isDirectory,
    () => false,
  );
}

/** A folder and all folders below it, each before those inside it. */
async function* foldersIn(top: string, wish: Wish, context: ResolvedCommandContext): AsyncGenerator<string> {
  const { fs, cwd } = context;
  const nextFolders = [top];
  for (let path = nextFolders.pop(); path !== undefined; path = nextFolders.pop()) {
    context.signal?.throwIfAborted();
    yield path;
    const names: string[] = [];
    for (const name of await fs.readdir(fs.resolvePath(cwd, path)).catch(() => [])) {
      if (name.startsWith('.') && !wish.hidden) continue;
      const found = await fs.lstat(fs.resolvePath(cwd, `${path}/${name}`)).catch(() => undefined);
      if (found?.isDirectory === true) names.push(name);
    }
    names.sort();
    if (!wish.reversed) names.reverse();
    const prefix = path.endsWith('/') ? path : `${path}/`;
    nextFolders.push(...names.map((name) => prefix + name));
  }
}
