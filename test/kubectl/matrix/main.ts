import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { CellReporter } from './reporter.js';
import type { MatrixWish } from './results.js';
import { layOut, type TableEntry, toMarkdown, toTerminal } from './table.js';

const usage = `Usage: npm run test:kubectl -- [options]

Tries every kubectl on this machine with every kind of command, and prints the table.

  --json FILE      write the results as JSON, too
  --markdown FILE  write the table as Markdown, too
  --cell NAME      only this row; may be repeated
  --version 1.NN   only this kubectl; may be repeated

KONNSIM_KUBECTL (files) names the kubectls to try instead of those beside the one on PATH, KONNSIM_KUBECTLS (files and
folders) more of them. Both are lists, separated like PATH. Exit code 1 if a cell fails.
`;

interface Arguments {
  readonly wish: MatrixWish;
  readonly jsonPath: string | undefined;
  readonly markdownPath: string | undefined;
}

const say = (text: string): void => void process.stdout.write(text);

/** Undefined when only the usage is wanted. */
function readArguments(args: readonly string[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'string' },
      markdown: { type: 'string' },
      cell: { type: 'string', multiple: true, default: [] },
      version: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const wish = { only: values.cell, versions: values.version };
  return { wish, jsonPath: values.json, markdownPath: values.markdown };
}

async function runCells(wish: MatrixWish): Promise<{ entries: readonly TableEntry[]; failed: boolean }> {
  const reporter = new CellReporter((line) => say(`${line}\n`));
  const folder = dirname(fileURLToPath(import.meta.url));
  const vitest = await startVitest('test', [`${folder}/matrix.test.ts`], {
    watch: false,
    retry: 0,
    reporters: [reporter],
    provide: { matrix: wish },
  });
  // A suite whose cluster did not start has no cells that report it.
  const errors = vitest.state.getUnhandledErrors();
  for (const error of errors) say(`${String(error)}\n`);
  const failed = vitest.state.getCountOfFailedTests() > 0 || errors.length > 0 || process.exitCode === 1;
  await vitest.close();
  return { entries: reporter.entries, failed };
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = readArguments(args);
  if (wanted === undefined) {
    say(usage);
    return 0;
  }
  const { entries, failed } = await runCells(wanted.wish);
  if (entries.length === 0) {
    say('No cell was tried: no such kubectl, no such cell, or no cluster.\n');
    return 1;
  }
  const table = layOut(entries);
  say(`\n${toTerminal(table)}`);
  const { jsonPath, markdownPath } = wanted;
  if (jsonPath !== undefined) await writeFile(jsonPath, `${JSON.stringify(entries, undefined, 2)}\n`);
  if (markdownPath !== undefined) await writeFile(markdownPath, toMarkdown(table));
  return failed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
