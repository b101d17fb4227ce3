import type { PlacedStep } from './read.js';

/** One step that was taken. */
export interface StepReport {
  /** The step in words: `exec web-1 hostname`. */
  readonly step: string;
  /** Where it stands in the file. */
  readonly line: number;
  /** It came out as it says. */
  readonly ok: boolean;
  /** What was seen: the output, the failure, the events. */
  readonly seen: string;
  /** Lab time that it took, ms. */
  readonly tookMs: number;
  /** What was expected and did not happen. */
  readonly error?: string;
  /** One sentence of the scenario about it. */
  readonly say?: string;
  /** For a step with a question: the answer, with what was measured. */
  readonly answer?: string;
}

/** A step that will be taken. */
export interface StepAhead {
  /** Its number among the steps that have words, from 1. */
  readonly number: number;
  /** How many of these there are. */
  readonly of: number;
  /** The step in words. */
  readonly step: string;
  /** One sentence about it. */
  readonly say?: string;
  /** What the learner should predict. */
  readonly question?: string;
  /** The choices. */
  readonly answers?: readonly string[];
}

/** What came of a scenario. */
export interface ScenarioReport {
  /** The name of the scenario. */
  readonly name: string;
  /** What it shows. */
  readonly title: string;
  /** The file that it is from. */
  readonly file: string;
  /** The seed of its lab, which repeats it. */
  readonly seed: number;
  /** All steps came out as they say. */
  readonly ok: boolean;
  /** The steps up to the first that failed. */
  readonly steps: readonly StepReport[];
  /** Lab time of all, ms. */
  readonly tookMs: number;
  /** Real time of all, ms. */
  readonly realMs: number;
  /** For a scenario that failed: the last events, and why the last failed request failed. */
  readonly about?: string;
}

/** Lines for people. */
export function reportLines(report: ScenarioReport): string[] {
  const mark = (ok: boolean): string => (ok ? '✓' : '✕');
  const lines = [`${report.title}`];
  for (const { ok, step, seen, tookMs, say, answer, error } of report.steps) {
    if (say !== undefined) lines.push(`    ${say}`);
    if (answer !== undefined) lines.push(`    ${answer}`);
    lines.push(`  ${mark(ok)} ${step}${seen === '' ? '' : `  →  ${firstLine(seen)}`}  (${timeText(tookMs)})`);
    if (error !== undefined) lines.push(...error.split('\n').map((line) => `      ${line}`));
  }
  const { ok, name, tookMs, realMs, seed, file, about } = report;
  lines.push(`${mark(ok)} ${name}: ${timeText(tookMs)} of lab time in ${timeText(realMs)}, seed ${seed}`);
  if (about !== undefined) lines.push('', about, '', `again: konnsim scenario run ${file} --seed ${seed}`);
  return lines;
}

export function firstLine(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  return rest.length === 0 ? first : `${first} …`;
}

export function timeText(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The form that CI systems read: a suite for each scenario, a case for each step. */
export function junitReport(reports: readonly ScenarioReport[]): string {
  const suites = reports.map((report) => {
    const failures = report.steps.filter(({ ok }) => !ok).length;
    const cases = report.steps.map((step) => caseOf(report, step));
    const head = `name=${quoted(report.name)} tests="${cases.length}" failures="${failures}"`;
    return `  <testsuite ${head} time="${(report.realMs / 1000).toFixed(3)}">\n${cases.join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>`;
}

function caseOf(
  { file, name, about = '' }: ScenarioReport,
  { step, line, ok, error = '' }: StepReport,
): string {
  const head = `    <testcase classname=${quoted(name)} name=${quoted(step)} file=${quoted(file)} line="${line}"`;
  if (ok) return `${head}/>`;
  return `${head}>\n      <failure message=${quoted(firstLine(error))}>${escaped(`${error}\n\n${about}`)}</failure>\n    </testcase>`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

function escaped(text: string): string {
  // XML 1.0 has no word for most control characters.
  const plain = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '�');
  return plain
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A value as YAML in one line. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, inner]) => `${name}: ${flowText(inner)}`);
  return `{ ${fields.join(', ')} }`;
}

/** The step in words. */
export function stepText(step: PlacedStep): string {
  switch (step.verb) {
    case 'exec':
      return `exec ${step.exec.pod} ${step.exec.command.join(' ')}`;
    case 'logs':
      return `logs ${step.logs.pod}`;
    case 'dial':
      return `dial ${step.dial}`;
    case 'api':
      return step.api;
    case 'webhook':
      return `webhook at a ${step.webhook.at}, policy ${step.webhook.policy}`;
    case 'watch':
      return `watch ${step.watch}`;
    case 'join':
      return `${step.join} ends`;
    case 'fault':
      return `fault ${flowText(step.fault)}`;
    case 'remove':
      return `remove fault ${step.remove}`;
    case 'part':
      return `${step.do} ${step.part}`;
    case 'apiservers':
      return `API servers ${flowText(step.apiservers)}`;
    case 'wait':
      return `wait ${step.wait} ms`;
    case 'timeScale':
      return `time runs ${step.timeScale} times as fast`;
    case 'events':
      return `events ${step.events.map(({ kind }) => kind).join(', ')}`;
    case 'connections':
      return `connections ${flowText(step.connections)}`;
    case 'explain':
      return `explain ${step.explain}`;
    case 'heal':
    case 'settled':
      return step.verb;
  }
}
