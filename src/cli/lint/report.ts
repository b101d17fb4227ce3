import { printable } from '../../observe/event-text.js';
import type { Terminal } from '../terminal.js';
import type { Program } from './programs.js';
import type { Hit, Severity } from './rule.js';
import type { Finding } from './rules.js';

const colours = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

/** A finding as lines for people. The first one has the form of a compiler's message. */
export function findingLines({ rule, hit, file, line }: Finding, terminal: Terminal): string[] {
  const place = file === undefined ? 'balancer' : `${file}:${line ?? 1}`;
  const severity = terminal.style(colours[rule.severity], rule.severity);
  return [
    `${printable(place)}: ${severity}: ${printable(sentence(hit))} [${rule.id}]`,
    `  at:  ${printable(placeText(hit))}`,
    `  why: ${rule.why} (${rule.evidence})`,
    `  do:  ${rule.fix}`,
  ];
}

/** How many of each severity there are, and what was read. */
export function summary(findings: readonly Finding[], programs: readonly Program[]): string {
  const counted = (['error', 'warning', 'note'] as const)
    .map((severity) => plural(countOf(findings, severity), severity))
    .join(', ');
  const servers = programs.filter(({ role }) => role === 'server').length;
  const read = `${plural(servers, 'proxy-server')} and ${plural(programs.length - servers, 'proxy-agent')}`;
  return `${counted} in ${read}`;
}

/** The same for programs. Fields that do not apply are absent. */
export function jsonReport(findings: readonly Finding[], programs: readonly Program[]): string {
  const report = {
    counts: {
      error: countOf(findings, 'error'),
      warning: countOf(findings, 'warning'),
      note: countOf(findings, 'note'),
    },
    programs: programs.map(({ program, file, line, pod }) => ({
      program,
      file,
      line,
      object: pod?.object,
      container: pod?.container,
    })),
    findings: findings.map(({ rule, hit, file, line }) => ({
      rule: rule.id,
      severity: rule.severity,
      program: hit.program?.program,
      file,
      line,
      object: hit.program?.pod?.object,
      container: hit.program?.pod?.container,
      flag: hit.flag,
      text: sentence(hit),
      why: rule.why,
      fix: rule.fix,
      evidence: rule.evidence,
    })),
  };
  return JSON.stringify(report, undefined, 2);
}

export function countOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter(({ rule }) => rule.severity === severity).length;
}

function sentence({ program, text }: Hit): string {
  if (program === undefined) return text;
  return text.startsWith('it ') ? `${program.program} ${text.slice(3)}` : `${program.program}: ${text}`;
}

/** The object, the container and the flag, as it is written. */
function placeText({ program, flag, written }: Hit): string {
  const given = written ?? (flag === undefined ? undefined : program?.given.get(flag)?.text);
  const missing = program === undefined ? '' : ' is not set';
  const flagText = flag === undefined ? '' : (given ?? `--${flag}${missing}`);
  const owner =
    program?.pod === undefined ? undefined : `${program.pod.object}, container ${program.pod.container}`;
  return [owner ?? program?.program ?? 'balancer', flagText].filter((part) => part !== '').join(', ');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
