import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import type { LabOptions } from '../lab/options.js';
import { startLab } from '../lab/start-lab.js';
import { eventLine } from '../observe/wait-text.js';
import { documentOf, type PlacedStep, type Scenario } from './read.js';
import {
  firstLine,
  type ScenarioReport,
  type StepAhead,
  type StepReport,
  stepText,
  timeText,
} from './report.js';
import { type ScenarioRun, take } from './steps.js';

/** Options of `runScenario`. */
export interface RunOptions {
  /** Goes before the seed of the scenario. Default: that one, or a new one. */
  readonly seed?: number;
  /** Called before each step that has words, which waits for it. Default: no call. */
  readonly before?: (step: StepAhead) => Promise<void>;
  /** Called after each step. Default: no call. */
  readonly told?: (step: StepReport) => void;
  /** Starts the lab. Default `startLab`. */
  readonly start?: (options: LabOptions) => Promise<Lab>;
}

/**
 * Runs a scenario in a lab of its own, up to the first step that does not come out as it says. Rejects only when the lab
 * does not start, as `startLab` does.
 */
export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<ScenarioReport> {
  const { seed, start = startLab } = options;
  const { lab: own, steps: planned } = documentOf(scenario);
  const startedAt = performance.now();
  const lab = await start({ ...labOptions(own), ...(seed === undefined ? {} : { seed }) });
  try {
    const steps = await takeAll(lab, planned, options);
    const ok = steps.every((step) => step.ok);
    return {
      ...{ name: scenario.name, title: scenario.title, file: scenario.file, seed: lab.seed, ok, steps },
      tookMs: lab.now,
      realMs: performance.now() - startedAt,
      ...(ok ? {} : { about: aboutFailure(lab) }),
    };
  } finally {
    await lab.stop();
  }
}

/** The steps up to the first that failed. */
async function takeAll(
  lab: Lab,
  planned: readonly PlacedStep[],
  { told = () => undefined, before }: RunOptions,
): Promise<readonly StepReport[]> {
  const steps: StepReport[] = [];
  const marks = new Map([['start', 0]]);
  const run: ScenarioRun = { lab, requests: new Map(), faults: new Map(), marks, closers: [], lastMark: 0 };
  const worded = planned.filter(hasWords);
  for (const step of planned) {
    if (hasWords(step)) await before?.(ahead(step, { number: worded.indexOf(step) + 1, of: worded.length }));
    const report = await takeOne(run, step);
    steps.push(report);
    told(report);
    if (!report.ok) break;
  }
  for (const close of run.closers) close();
  return steps;
}

/** Fields that are not there, and not undefined, as options are. */
function labOptions(lab: object): LabOptions {
  return JSON.parse(JSON.stringify(lab)) as LabOptions;
}

function hasWords({ say, question }: PlacedStep): boolean {
  return say !== undefined || question !== undefined;
}

function ahead(step: PlacedStep, place: { readonly number: number; readonly of: number }): StepAhead {
  const { say, question, answers } = step;
  return {
    ...place,
    step: stepText(step),
    ...(say === undefined ? {} : { say }),
    ...(question === undefined ? {} : { question }),
    ...(answers === undefined ? {} : { answers }),
  };
}

async function takeOne(run: ScenarioRun, step: PlacedStep): Promise<StepReport> {
  const { lab } = run;
  const startedAt = lab.now;
  const mark = lab.mark();
  const { say, answer, line } = step;
  const what = { step: stepText(step), line, ...(say === undefined ? {} : { say }) };
  try {
    const seen = await take(run, step);
    const tookMs = lab.now - startedAt;
    const told = answer?.replaceAll('{took}', timeText(tookMs)).replaceAll('{seen}', firstLine(seen));
    return { ...what, ok: true, seen, tookMs, ...(told === undefined ? {} : { answer: told }) };
  } catch (caught) {
    const { code, message } = TunnelError.from(caught);
    const error = code === 'EXPECTATION_FAILED' ? message : `${code}: ${message}`;
    return { ...what, ok: false, seen: '', error, tookMs: lab.now - startedAt };
  } finally {
    run.lastMark = mark;
  }
}

const lastEvents = 15;

function aboutFailure(lab: Lab): string {
  const events = lab.events().slice(-lastEvents).map(eventLine);
  const failedRequest = lab
    .events()
    .findLast(({ kind, request }) => kind === 'request.failed' && request !== undefined);
  const why = failedRequest === undefined ? [] : ['', lab.explain(failedRequest.request).text];
  return ['the last events:', ...events, ...why].join('\n');
}
