import { randomUUID } from 'node:crypto';
import { TunnelError } from '../core/errors.js';
import type { FlagRow, FlagTable, ValuesOf } from './flags/flag-row.js';
import { helpText, type ProgramGuide } from './flags/help-text.js';
import { type ParsedFlags, parseFlags } from './flags/parse-flags.js';
import type { ParseResult } from './flags/parse-result.js';

export type FlagOutcome<O> =
  | {
      readonly kind: 'run';
      readonly options: O;
      /** Names of the flags on the command line. */
      readonly given: ReadonlySet<string>;
      /** Given flags that have no effect here. */
      readonly ignored: readonly string[];
      /** Lines to log once at the start: deprecated and ignored flags, insecure choices. */
      readonly notices: readonly string[];
    }
  | { readonly kind: 'print'; readonly text: string }
  /** Konnectivity's message. USAGE: an unknown flag or a wrong value. CONFIG_INVALID: not an allowed value. */
  | { readonly kind: 'error'; readonly error: TunnelError };

export type Environment = Readonly<Record<string, string | undefined>>;
/** Every program has `--help` and `--version`. */
export type ProgramFlags = FlagTable & { readonly [name in 'help' | 'version']: FlagRow<'bool'> };

export interface Program<F extends ProgramFlags, O> {
  readonly guide: ProgramGuide;
  /** Its name in validation texts: `server` or `agent`. */
  readonly role: string;
  readonly flags: F;
  readonly versionText: () => string;
  readonly fault: (values: ValuesOf<F>) => string | undefined;
  /** Makes options of valid values. */
  readonly options: (values: ValuesOf<F>) => O;
  readonly warnings: (values: ValuesOf<F>) => readonly string[];
}

/** Reads and checks a command line, without the name of the program. Never throws for its content. */
export function readCommandLine<F extends ProgramFlags, O>(
  program: Program<F, O>,
  argv: readonly string[],
  env: Environment,
): FlagOutcome<O> {
  const { guide, role, flags } = program;
  const parsed = parseFlags(flags, argv);
  if ('fault' in parsed) return failure('USAGE', parsed.fault, guide);
  const { given, args } = parsed.value;
  if (parsed.value.values.help) return { kind: 'print', text: helpText(guide) };
  if (parsed.value.values.version) return { kind: 'print', text: program.versionText() };
  const values = withEnvironment(flags, parsed.value, env);
  const fault = program.fault(values);
  if (fault !== undefined) {
    return failure('CONFIG_INVALID', `failed to validate ${role} options with ${fault}`, guide);
  }
  const ignored = [...given].filter((name) => flags[name]?.effect === 'ignored');
  const notices = [
    ...parsed.value.notices,
    ...ignored.map((name) => `--${name} has no effect: ${flags[name]?.ignored ?? ''}`),
    ...program.warnings(values),
    ...(args.length === 0 ? [] : [`arguments without a flag have no effect: ${args.join(' ')}`]),
  ];
  return { kind: 'run', options: program.options(values), given, ignored, notices };
}

/** Only IDs can come from the environment, or are random. An empty variable counts as missing, an empty flag not. */
function withEnvironment<F extends FlagTable>(
  table: F,
  { values, given }: ParsedFlags<F>,
  env: Environment,
): ValuesOf<F> {
  const found = Object.entries(table).flatMap(([name, row]) => {
    if (row.env === undefined || given.has(name)) return [];
    const text = env[row.env] ?? '';
    return [[name, text === '' ? randomUUID() : text] as const];
  });
  return { ...values, ...Object.fromEntries(found) };
}

function failure(
  code: 'USAGE' | 'CONFIG_INVALID',
  message: string,
  { name }: ProgramGuide,
): FlagOutcome<never> {
  const hint = `\`${name} --help\` lists the flags and what they take.`;
  return { kind: 'error', error: new TunnelError(code, message, { where: name, hint }) };
}

/** The value of a reading that was checked before. Throws INTERNAL when it has a fault. */
export function checked<V>(reading: ParseResult<V>): V {
  if ('value' in reading) return reading.value;
  throw new TunnelError('INTERNAL', `unchecked flag: ${reading.fault}`);
}
