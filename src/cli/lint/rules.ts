import { countRules } from './count-rules.js';
import { flagRules } from './flag-rules.js';
import { keepaliveRules } from './keepalive-rules.js';
import { operationRules } from './operation-rules.js';
import { routingRules } from './routing-rules.js';
import type { Hit, Rule, Setup } from './rule.js';
import { trustRules } from './trust-rules.js';

/** The rules by their subject. `docs/lint.md` has the same, and a test compares them. */
export const ruleFamilies: Readonly<Record<string, readonly Rule[]>> = {
  Flags: flagRules,
  'Pings and timers': keepaliveRules,
  'Counts and IDs': countRules,
  'Choice of agents': routingRules,
  'Certificates, tokens, addresses': trustRules,
  'Dials, ends, ports, probes': operationRules,
};

export interface Finding {
  readonly rule: Rule;
  readonly hit: Hit;
  /** Undefined for the balancer. */
  readonly file: string | undefined;
  /** The line of the flag, or of the program when the flag is missing. */
  readonly line: number | undefined;
}

/** What the rules find, in the order of the files and their lines. */
export function applyRules(setup: Setup): readonly Finding[] {
  const findings = Object.values(ruleFamilies)
    .flat()
    .flatMap((rule) => rule.check(setup).map((hit) => found(rule, hit)));
  const files = [...new Set(findings.map(({ file }) => file))];
  const place = ({ file, line = 0 }: Finding): readonly [number, number] => [files.indexOf(file), line];
  return findings.toSorted((one, other) => {
    const [[file, line], [otherFile, otherLine]] = [place(one), place(other)];
    return file - otherFile || line - otherLine;
  });
}

function found(rule: Rule, hit: Hit): Finding {
  const { program, flag } = hit;
  const line = hit.line ?? (flag === undefined ? undefined : program?.given.get(flag)?.line) ?? program?.line;
  return { rule, hit, file: program?.file, line };
}
