import { Command } from 'commander';
import { readText } from '../../pki/read-files.js';
import { documentOf, readScenarios, type Scenario, scenarioJsonSchema } from '../../scenario/read.js';
import { junitReport, reportLines, type ScenarioReport } from '../../scenario/report.js';
import { runScenario } from '../../scenario/run.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal } from '../terminal.js';
import { option, wholeNumber } from '../values.js';

interface RunFlags {
  readonly output: 'text' | 'json' | 'junit';
  readonly seed?: number;
}

/** `konnsim scenario`: documents that say what is done to a lab, and what must come of it. */
export function scenarioCommand(invocation: Invocation): Command {
  const command = new Command('scenario').description(
    'run documents: faults, requests, and what must come of them',
  );
  command.addCommand(runCommand(invocation));
  command.addCommand(checkCommand(invocation));
  command.addCommand(
    new Command('schema').description('print the JSON Schema of scenarios, for editors').action(() => {
      createTerminal(invocation.colour).data(JSON.stringify(scenarioJsonSchema(), undefined, 2));
    }),
  );
  return command;
}

function runCommand(invocation: Invocation): Command {
  return new Command('run')
    .description('run scenarios, each in a lab of its own; exit code 4 when one does not come out as it says')
    .argument('<file...>', 'YAML or JSON')
    .addOption(
      option('--output <format>', 'lines for people, JSON, or JUnit XML for a CI system')
        .choices(['text', 'json', 'junit'])
        .default('text'),
    )
    .addOption(option('--seed <number>', 'repeats all random choices').argParser(wholeNumber(0, 2 ** 32 - 1)))
    .addHelpText(
      'after',
      examples(
        'konnsim scenario run scenarios/*.yaml',
        'konnsim scenario run --output junit FILE > report.xml',
      ),
    )
    .action(async (files: readonly string[], flags: RunFlags) => {
      invocation.exitCode = await run(files, flags, invocation);
    });
}

function checkCommand(invocation: Invocation): Command {
  return new Command('check')
    .description('read scenarios without running them')
    .argument('<file...>', 'YAML or JSON')
    .action(async (files: readonly string[]) => {
      const terminal = createTerminal(invocation.colour);
      for (const scenario of await readAll(files))
        terminal.data(`${scenario.file}: ${scenario.name}, ${documentOf(scenario).steps.length} steps`);
    });
}

async function readAll(files: readonly string[]): Promise<readonly Scenario[]> {
  const found: Scenario[] = [];
  for (const file of files) found.push(...readScenarios(file, await readText(file)));
  return found;
}

async function run(files: readonly string[], flags: RunFlags, invocation: Invocation): Promise<number> {
  // All are read first: a mistake in the last one is told before the first one runs.
  const scenarios = await readAll(files);
  const terminal = createTerminal(invocation.colour);
  const reports: ScenarioReport[] = [];
  for (const scenario of scenarios) {
    const report = await runScenario(scenario, flags.seed === undefined ? {} : { seed: flags.seed });
    reports.push(report);
    if (flags.output === 'text') terminal.data(`${reportLines(report).join('\n')}\n`);
  }
  if (flags.output === 'json') terminal.data(JSON.stringify(reports, undefined, 2));
  if (flags.output === 'junit') terminal.data(junitReport(reports));
  return reports.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.expectationFailed;
}
