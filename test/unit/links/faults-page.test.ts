import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, it } from 'vitest';
import type { FaultSettings, PlainFault } from '../../../src/links/fault-document.js';
import { planFault } from '../../../src/links/fault-plan.js';
import { faults, type LinkFaultName } from '../../../src/links/faults/faults.js';
import { type PacketFaultName, packetFaults } from '../../../src/links/packet-faults/packet-faults.js';
import { type PartFaultName, partFaults } from '../../../src/links/part-faults/part-faults.js';
import { type PresetName, presets } from '../../../src/links/presets.js';

const page = readFileSync(new URL('../../../docs/faults.md', import.meta.url), 'utf8');

/** The rows of the table below a heading, as cells, without its head. */
function table(heading: string): string[][] {
  const [, below = ''] = page.split(`\n## ${heading}\n`);
  const lines =
    below
      .split('\n## ')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|')) ?? [];
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A value as it stands in code. */
function written(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const pairs = Object.entries(value).map(
    ([name, inner]) => `${name}: ${typeof inner === 'object' ? written(inner) : `'${inner}'`}`,
  );
  return `{ ${pairs.join(', ')} }`;
}

it.each([
  ['Faults of links', faults],
  ['Faults of packets', packetFaults],
  ['Faults of parts', partFaults],
])('docs/faults.md: %s, in order, with their texts', (heading, kinds) => {
  const rows = table(heading).map(([name, , ...texts]) => [name, ...texts.slice(-3)]);
  expect(rows).toEqual(
    Object.entries(kinds).map(([name, { does, lesson, heals }]) => [`\`${name}\``, does, lesson, heals]),
  );
});

it('docs/faults.md says which parts can have a fault', () => {
  const rows = table('Faults of parts').map(([name, , parts]) => [name, parts]);
  expect(rows).toEqual(
    Object.entries(partFaults).map(([name, { roles }]) => [`\`${name}\``, roles.join(', ')]),
  );
});

it('docs/faults.md names the settings of each fault', () => {
  const kinds = { ...faults, ...packetFaults, ...partFaults };
  const rows = ['Faults of links', 'Faults of packets', 'Faults of parts'].flatMap(table);
  for (const [name = '', settings = ''] of rows) {
    const { shape } = kinds[name.replaceAll('`', '') as keyof typeof kinds].settings as never as {
      shape: Record<string, unknown>;
    };
    for (const setting of Object.keys(shape)) expect(settings).toContain(`\`${setting}\``);
  }
});

it('docs/faults.md lists all presets', () => {
  const rows = table('Presets').map(([name, when, action, like]) => [name, when, action, like]);
  expect(rows).toEqual(
    Object.entries(presets).map(([name, { like, fault }]) => {
      return [`\`${name}\``, `\`${written(fault.when)}\``, `\`${written(fault.do)}\``, like];
    }),
  );
});

it.each(Object.keys(presets) as PresetName[])('%s is a right document', (name) => {
  expect(planFault(name)).toMatchObject({ direction: 'both' });
});

it('the types of a document name all faults', () => {
  expectTypeOf<PlainFault | keyof FaultSettings>().toEqualTypeOf<
    LinkFaultName | PacketFaultName | PartFaultName
  >();
});
