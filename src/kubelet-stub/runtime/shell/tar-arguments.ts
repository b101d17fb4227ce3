export interface TarArguments {
  readonly args: readonly string[];
  /** What a real tar says about it. */
  readonly notice: string;
}

const valuedOptions = new Set(['-f', '--file', '-C', '--directory', '-T', '-X', '--exclude']);
/** Ownership is not kept here anyway; `kubectl cp --no-preserve` asks for it. */
const ignoredOptions = new Set(['--no-same-owner', '--no-same-permissions']);

/**
 * Makes the library's tar name members as a real one does: without their leading slash. A client such as
 * `kubectl cp` takes an archive with absolute names for a corrupt one.
 */
export function tarArguments(given: readonly string[]): TarArguments {
  const args = given.filter((arg) => !ignoredOptions.has(arg));
  const operands = operandPositions(args);
  const absolute = operands.filter((at) => args[at]?.startsWith('/') === true);
  const keeps = args.some((arg) => ['-C', '-P', '--directory', '--absolute-names'].includes(arg));
  if (!createsArchive(args) || keeps || absolute.length === 0 || absolute.length < operands.length)
    return { args, notice: '' };
  const relative = args.map((arg, at) => (absolute.includes(at) ? arg.replace(/^\/+/, '') || '.' : arg));
  return { args: [...relative, '-C', '/'], notice: "tar: Removing leading `/' from member names\n" };
}

/** Whether these arguments of tar write an archive. */
export function createsArchive(args: readonly string[]): boolean {
  return args.some(
    (arg, at) => arg === '--create' || (at === 0 ? /^-?[a-zA-Z]*c/ : /^-[a-zA-Z]*c/).test(arg),
  );
}

function operandPositions(args: readonly string[]): number[] {
  const positions: number[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const bundle = at === 0 ? !arg.startsWith('--') : /^-[a-zA-Z]{2,}$/.test(arg);
    if (valuedOptions.has(arg) || (bundle && arg.includes('f'))) at++;
    else if (at > 0 && (arg === '-' || !arg.startsWith('-'))) positions.push(at);
  }
  return positions;
}
