import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, readScenarios, type Scenario } from '../../src/scenario/read.js';
import { reportLines } from '../../src/scenario/report.js';
import { runScenario } from '../../src/scenario/run.js';

const folder = new URL('../../scenarios/', import.meta.url);
const files = readdirSync(folder, { recursive: true }) as string[];
const scenarios = files
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => readScenarios(`scenarios/${file}`, readFileSync(new URL(file, folder), 'utf8')));

// One after the other: together they would be late for their fast clocks.
describe('the scenarios of this repository come out as they say', () => {
  // Their time runs fast, and a machine that rests for a second at the wrong moment is too late for it.
  it.each(scenarios)('$name', { retry: 2 }, async (scenario) => {
    const report = await runScenario(scenario);
    expect(report.ok, reportLines(report).join('\n')).toBe(true);
    expect(report.steps).toHaveLength(documentOf(scenario).steps.length);
  });
});

it('their names are those of their files', () => {
  for (const { name, file } of scenarios)
    expect(file).toMatch(new RegExp(`^scenarios/(lessons/)?${name}\\.yaml$`));
});

describe('lessons', () => {
  const lessons = scenarios.filter(({ file }) => file.startsWith('scenarios/lessons/'));
  const wordsOf = (text: string): number => text.split(/\s+/).length;

  it.each(lessons)('$name is short, asks before it shows, and says what to do', ({ document, file }) => {
    const { steps, summary, lesson } = documentOf({ document } as Scenario);
    expect(file).toContain(`/${String(lesson?.number).padStart(2, '0')}-`);
    expect(summary).toBeDefined();
    const told = steps.filter(({ say, question }) => say !== undefined || question !== undefined);
    expect(told.length).toBeGreaterThanOrEqual(5);
    expect(told.length).toBeLessThanOrEqual(9);
    expect(told.filter(({ question }) => question !== undefined)).not.toEqual([]);
    for (const { say = '', question = '', answers, answer } of steps) {
      expect(wordsOf(`${say}${question}`), say).toBeLessThanOrEqual(20);
      expect([answers === undefined, answer === undefined]).toEqual([question === '', question === '']);
    }
    expect(existsSync(new URL(`../../docs/${lesson?.docs}`, import.meta.url)), lesson?.docs).toBe(true);
  });
});
