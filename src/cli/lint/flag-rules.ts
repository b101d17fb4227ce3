import { agentFault } from '../../dropin/agent/agent-checks.js';
import { agentFlags } from '../../dropin/agent/agent-flags.js';
import { serverFault } from '../../dropin/server/server-checks.js';
import { serverFlags } from '../../dropin/server/server-flags.js';
import { type Agent, type Program, type Server, sinceOf } from './programs.js';
import type { GivenFlag } from './read-flags.js';
import { type Hit, programsOf, type Rule } from './rule.js';

const noStart = 'The program prints the fault and ends, so its container restarts for ever.';

/** The flags themselves: what the real programs refuse, ignore or do not know yet. */
export const flagRules: readonly Rule[] = [
  {
    id: 'unknown-flag',
    severity: 'error',
    finds: 'The program does not know a flag.',
    why: noStart,
    fix: 'Correct the name, or remove it.',
    evidence: 'flags of ANP up to v0.36 and its main branch',
    check: ofEach(({ faults, program }) =>
      faults
        .filter(({ kind }) => kind === 'unknown')
        .map((flag) => ({ ...written(flag), text: `${flag.fault}${guess(program, flag.name)}` })),
    ),
  },
  {
    id: 'invalid-value',
    severity: 'error',
    finds: 'A flag has a value that the program cannot read.',
    why: noStart,
    fix: "Write the value in the flag's form: durations as 30s or 1m, booleans as --flag=false.",
    evidence: 'pflag and strconv of Go',
    check: ofEach(({ faults }) =>
      faults.filter(({ kind }) => kind === 'invalid').map((flag) => ({ ...written(flag), text: flag.fault })),
    ),
  },
  {
    id: 'flags-refused',
    severity: 'error',
    finds: 'The program refuses these flags: they contradict each other, or a value is not allowed.',
    why: noStart,
    fix: 'Change what the message names. More faults may be behind the first one.',
    evidence: "the programs' own validation, in its order and words",
    check: ofEach((program) => {
      const fault = refusal(program);
      return fault === undefined ? [] : [{ text: `${program.program} refuses its flags: ${fault}` }];
    }),
  },
  {
    id: 'flag-newer-than-image',
    severity: 'error',
    finds: "A flag came in a later release than the one of the image's tag.",
    why: noStart,
    fix: 'Use a newer image, or leave the flag out.',
    evidence: 'flags of ANP by release',
    check: ofEach((program) =>
      laterFlags(program).flatMap(({ flag, line, since }) =>
        program.release !== undefined && since > program.release
          ? [{ flag, line, text: `--${flag} came ${sinceText(since)}, the image is older` }]
          : [],
      ),
    ),
  },
  {
    id: 'flag-unreleased',
    severity: 'note',
    finds: 'A flag is in no release up to v0.36.',
    why: 'A released program ends with “unknown flag”. Only builds of a later main branch have it.',
    fix: 'Make sure that the image is that new.',
    evidence: 'ANP#918 for --frontend-write-channel-size',
    check: ofEach((program) =>
      laterFlags(program).flatMap(({ flag, line, since }) =>
        program.release === undefined && since === newest
          ? [{ flag, line, text: `--${flag} is in no release up to v0.36` }]
          : [],
      ),
    ),
  },
  {
    id: 'flag-repeated',
    severity: 'warning',
    finds: 'A flag is given twice, with different values.',
    why: 'Only the last value counts.',
    fix: 'Remove the other one.',
    evidence: 'pflag of Go',
    check: ofEach(({ repeated }) =>
      repeated.map((flag) => ({ ...written(flag), text: `${flag.text} replaces an earlier value` })),
    ),
  },
  {
    id: 'stray-word',
    severity: 'warning',
    finds: 'A word belongs to no flag.',
    why: 'The program ignores it. Often it should be the value of a boolean: `--sync-forever false` means true.',
    fix: 'Write --flag=value for booleans; remove other words.',
    evidence: 'pflag of Go',
    check: ofEach(({ strays }) =>
      strays.map(({ text, line }) => ({ line, text: `“${text}” is not the value of a flag` })),
    ),
  },
  {
    id: 'flag-deprecated',
    severity: 'note',
    finds: 'A flag has no effect any more.',
    why: 'A later release may refuse it.',
    fix: 'Remove it.',
    evidence: 'flags of ANP',
    check: ofEach((program) =>
      [...program.given.values()].flatMap(({ name, line }) => {
        const row = program.table[name];
        const isOld = row?.deprecated !== undefined && row.alias === undefined;
        return isOld ? [{ flag: name, line, text: `--${name} is deprecated and does nothing` }] : [];
      }),
    ),
  },
];

type Found = Omit<Hit, 'program'>;

function ofEach(find: (program: Program) => readonly Found[]): Rule['check'] {
  return (setup) => programsOf(setup).flatMap((program) => find(program).map((hit) => ({ ...hit, program })));
}

function written({ name, line, text }: GivenFlag): Omit<Found, 'text'> {
  return { flag: name, line, written: text };
}

/** What the flag may have been meant to be. */
function guess(program: Program['program'], name: string): string {
  const [own, other, others] =
    program === 'proxy-server'
      ? ([serverFlags, agentFlags, 'proxy-agent'] as const)
      : ([agentFlags, serverFlags, 'proxy-server'] as const);
  const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (Object.hasOwn(own, kebab)) return `; it is written --${kebab}`;
  return Object.hasOwn(other, kebab) ? `; it is a flag of ${others}` : '';
}

/** What the program says about its flags. Undefined when that depends on variables. */
function refusal(program: Program): string | undefined {
  if ([...program.unknown].some((name) => !isFree(program, name))) return undefined;
  const files = (): undefined => undefined;
  return program.role === 'server'
    ? serverFault(withFrontendTls(program), files)
    : agentFault(withId(program), files);
}

/** Texts that the programs check. All other texts may be anything. */
const checkedTexts = new Set([
  'mode',
  'proxy-strategies',
  'tls-min-version',
  'lease-label',
  'server-count-source',
]);

function isFree(program: Program, name: string): boolean {
  // A text that is one variable could be anything; with `ipv4=$(HOST_IP)` the rest can be checked.
  if (program.role === 'agent' && name === 'agent-identifiers') return program.values[name].includes('=');
  return program.table[name]?.type === 'string' && !checkedTexts.has(name);
}

/** The rule frontend-tls-incomplete tells of these. */
function withFrontendTls({ values }: Server): Server['values'] {
  if (values['uds-name'] !== '') return values;
  return { ...values, 'server-cert': 'set', 'server-key': 'set', 'server-ca-cert': 'set' };
}

/** Without a flag and a variable the real program makes a random ID. */
function withId({ values, given }: Agent): Agent['values'] {
  return values['agent-id'] === '' && !given.has('agent-id') ? { ...values, 'agent-id': 'random' } : values;
}

const newest = 37;

function laterFlags({ given, table }: Program): { flag: string; line: number; since: number }[] {
  return [...given.values()].flatMap(({ name: flag, line }) => {
    const row = table[flag];
    return row === undefined ? [] : [{ flag, line, since: sinceOf(row) }];
  });
}

function sinceText(since: number): string {
  return since === newest ? 'after v0.36' : `with v0.${since}`;
}
