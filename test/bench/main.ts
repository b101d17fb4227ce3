import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateSet } from '../../src/pki/certificate-set.js';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import type { Context } from './chains.js';
import { Children } from './children.js';
import { goalLines, goalText } from './goals.js';
import { type BenchOptions, parseOptions, usage } from './options.js';
import { docsPage, withBlock, withTable } from './page.js';
import { Results } from './results.js';
import type { Run, Section } from './section.js';
import { sectionNames, sections } from './sections.js';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function machineLine({ nodeFlags }: BenchOptions): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const machine = `${availableParallelism()} cores (${model}), node ${process.version}, ${process.platform}`;
  const flags = nodeFlags.length === 0 ? '' : `; ours with ${nodeFlags.join(' ')}`;
  return `${machine}${flags}`;
}

/** An endpoint for the chains of one section. */
async function prepare(
  children: Children,
  options: BenchOptions,
  certificates: { readonly folder: string; readonly set: CertificateSet },
): Promise<Context> {
  const { worker, hello } = await children.worker<never, never, { port: number; controlPort: number }>(
    'endpoint',
    {},
  );
  const { delayMs, nodeFlags, real } = options;
  const { folder, set } = certificates;
  const endpoint = { pid: worker.pid, ...hello };
  return { children, certificates: set, folder, delayMs, nodeFlags, real, endpoint };
}

function isWanted({ only, full }: BenchOptions, { name, long, cells = [] }: Section): boolean {
  if (only.length === 0) return full || !long;
  return [name, ...cells].some((each) => only.includes(each));
}

/** The text of each section. */
type Texts = Map<string, string>;

async function measure(options: BenchOptions, folder: string): Promise<number> {
  const [results, texts]: [Results, Texts] = [new Results(), new Map()];
  const children = new Children();
  const certificates = { folder, set: await writeCertificateDirectory(folder) };
  let allRight = true;
  process.stdout.write(`${machineLine(options)}\n`);
  const wanted = sections.filter((each) => isWanted(options, each));
  // A missing place shall not show only when all is measured.
  if (options.docs) for (const { name } of wanted) withBlock(await readFile(docsPage, 'utf8'), name, '');
  for (const section of wanted) {
    say(`${section.name}:`);
    process.stdout.write('\n');
    const write = (text: string): void => {
      process.stdout.write(text);
      texts.set(section.name, `${texts.get(section.name) ?? ''}${text}`);
    };
    const run: Run = {
      children,
      options,
      results,
      write,
      say,
      prepare: () => prepare(children, options, certificates),
    };
    if (!(await measured(section, run))) allRight = false;
    children.kill();
  }
  process.stdout.write(`\n${goalText(results)}`);
  if (options.jsonFile !== undefined) {
    const all = { machine: machineLine(options), options, samples: results };
    await writeFile(options.jsonFile, `${JSON.stringify(all, null, 2)}\n`);
  }
  if (options.docs) await writeDocs(options, texts, results);
  return allRight ? 0 : 1;
}

/** False when something is wrong. The other sections are measured all the same. */
async function measured(section: Section, run: Run): Promise<boolean> {
  try {
    return (await section.measure(run)) ?? true;
  } catch (error) {
    say(`${section.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return false;
  }
}

/** Each text with the day and the machine, which need not be those of the others. */
async function writeDocs(options: BenchOptions, texts: Texts, results: Results): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  let page = await readFile(docsPage, 'utf8');
  for (const [name, text] of texts) {
    // A part of a table would replace the whole one.
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    page = withBlock(page, name, `${day}, ${machineLine(options)}\n\n\`\`\`text\n${text.trim()}\n\`\`\``);
  }
  page = withTable(page, 'goals', goalLines(results));
  await writeFile(docsPage, page);
}

/** Exit codes: 0 done, 1 failed or wrong, 2 usage, 130 interrupted. */
async function main(): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = parseOptions(process.argv.slice(2), sectionNames);
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${usage(sectionNames)}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(usage(sectionNames));
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'knb-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
  return measure(options, folder);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
