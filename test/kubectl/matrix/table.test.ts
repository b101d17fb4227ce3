import { expect, it } from 'vitest';
import { layOut, type TableEntry, toMarkdown, toTerminal } from './table.js';

const entry = (version: string, name: string, rest: Partial<TableEntry> = {}): TableEntry => ({
  version,
  name,
  timeMs: 1234,
  wires: [],
  state: 'passed',
  ...rest,
});
const entries = [
  entry('1.20', 'exec', { wires: ['spdy'] }),
  entry('1.20', 'debug', { state: 'limited', reason: 'too old' }),
  entry('1.33', 'exec', { state: 'failed', wires: ['spdy'], error: 'fell back\nat some line' }),
  entry('1.33', 'debug'),
];

it('a table has a row for each cell, a column for each version, and says beneath why not', () => {
  expect(toTerminal(layOut(entries))).toBe(
    [
      'kubectl  1.20          1.33',
      'exec     ✓ 1.2 s spdy  ✗ spdy',
      'debug    (1)           ✓ 1.2 s',
      '',
      '(1) too old',
      '✗ 1.33 exec: fell back',
      '',
    ].join('\n'),
  );
});

it('the same as Markdown', () => {
  expect(toMarkdown(layOut(entries))).toBe(
    [
      '| kubectl | 1.20 | 1.33 |',
      '| --- | --- | --- |',
      '| exec | ✓ 1.2 s spdy | ✗ spdy |',
      '| debug | (1) | ✓ 1.2 s |',
      '',
      '- (1) too old',
      '- ✗ 1.33 exec: fell back',
      '',
    ].join('\n'),
  );
});
