import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { TunnelError } from '../../core/errors.js';
import { readText } from '../../pki/read-files.js';
import { documentOf, readScenarios, type Scenario } from '../../scenario/read.js';
import { firstLine, type StepAhead, type StepReport, timeText } from '../../scenario/report.js';
import { runScenario } from '../../scenario/run.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal, type Terminal } from '../terminal.js';

/** Next to `src` and `dist`. */
const folder = fileURLToPath(new URL('../../../scenarios/lessons/', import.meta.url));

/** `konnsim lesson`: scenarios with words, step by step. */
export function lessonCommand(invocation: Invocation): Command {
  return new Command('lesson')
    .description('learn how the tunnel works and breaks: a lesson by its number, or the list of them')
    .argument('[number]', 'the number of a lesson', asNumber)
    .addHelpText('after', examples('konnsim lesson', 'konnsim lesson 10'))
    .action(async (number?: number) => {
      const terminal = createTerminal(invocation.colour);
      const lessons = await readLessons();
      if (number === undefined) list(lessons, terminal);
      else invocation.exitCode = await teach(found(lessons, number), lessons, terminal);
    });
}

interface Lesson {
  readonly number: number;
  readonly scenario: Scenario;
}

async function readLessons(): Promise<readonly Lesson[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
  const scenarios = await Promise.all(
    files.map(async (file) => readScenarios(file, await readText(`${folder}${file}`))),
  );
  const lessons = scenarios
    .flat()
    .map((scenario) => ({ number: documentOf(scenario).lesson?.number ?? 0, scenario }));
  return lessons.sort((one, other) => one.number - other.number);
}

function asNumber(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it is no number of a lesson');
}

function found(lessons: readonly Lesson[], number: number): Scenario {
  const lesson = lessons.find((one) => one.number === number);
  if (lesson !== undefined) return lesson.scenario;
  const numbers = lessons.map((one) => one.number).join(', ');
  throw new TunnelError('CONFIG_INVALID', `there is no lesson ${number}; there are ${numbers}`);
}

function list(lessons: readonly Lesson[], terminal: Terminal): void {
  for (const { number, scenario } of lessons)
    terminal.data(`${String(number).padStart(3)}  ${scenario.title}`);
}

async function teach(scenario: Scenario, lessons: readonly Lesson[], terminal: Terminal): Promise<number> {
  const { lesson, summary, lab } = documentOf(scenario);
  const scale = lab.timeScale === undefined ? '' : `, time runs ${lab.timeScale} times as fast`;
  terminal.data(terminal.style('bold', `Lesson ${lesson?.number}: ${scenario.title}${scale}`));
  const keys = process.stdin.isTTY
    ? createInterface({ input: process.stdin, output: process.stdout })
    : undefined;
  try {
    const before = (step: StepAhead): Promise<void> => announce(step, terminal, keys);
    const report = await runScenario(scenario, { before, told: (step) => show(step, terminal) });
    if (!report.ok) {
      terminal.data(report.about ?? '');
      return exitCodes.expectationFailed;
    }
  } finally {
    keys?.close();
  }
  terminal.data('');
  for (const [name, text] of Object.entries({
    'What happened': summary?.happened,
    Why: summary?.why,
    'In a real cluster': summary?.todo,
  }))
    terminal.data(`${terminal.style('bold', `${name}:`)} ${text}`);
  for (const next of lessons.filter((one) => lesson?.next.includes(one.number)))
    terminal.data(`next: konnsim lesson ${next.number}  ${next.scenario.title}`);
  terminal.data(`more: docs/${lesson?.docs}`);
  return exitCodes.ok;
}

/** Says what comes, and waits for the learner when there is one. */
async function announce(
  { number, of, step, say, question, answers = [] }: StepAhead,
  terminal: Terminal,
  keys: { question(text: string): Promise<string> } | undefined,
): Promise<void> {
  terminal.data('');
  terminal.data(`${terminal.style('dim', `${number}/${of}`)}  ${styled(question ?? say ?? '', terminal)}`);
  for (const [index, answer] of answers.entries())
    terminal.data(`       ${String.fromCharCode(0x61 + index)}) ${answer}`);
  if (keys !== undefined)
    await keys.question(question === undefined ? '     [Enter] ' : '     your answer: ');
  terminal.data(`     ${terminal.style('cyan', '$')} ${step}`);
}

/** Words of the field are bold where they are first seen. */
function styled(text: string, terminal: Terminal): string {
  return text.replaceAll(/\*\*(.+?)\*\*/g, (_whole, word: string) => terminal.style('bold', word));
}

function show({ ok, seen, tookMs, answer, error }: StepReport, terminal: Terminal): void {
  if (!ok) terminal.data(terminal.style('red', `     ✕ ${error ?? ''}`));
  else if (seen !== '')
    terminal.data(`     ${firstLine(seen)}  ${terminal.style('dim', `(${timeText(tookMs)})`)}`);
  if (answer !== undefined)
    terminal.data(`     ${terminal.style('yellow', '▸')} ${styled(answer, terminal)}`);
}
