import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PortName, PortsUnderTest } from '../support/ports-under-test.js';

const columns: Readonly<Record<string, PortName>> = {
  'frontend port': 'frontend',
  'CONNECT door': 'connect',
  'agent port': 'agent',
  'admin port': 'admin',
  API: 'api',
  'kubelet, HTTP': 'kubeletHttp',
  'kubelet, gRPC': 'kubeletGrpc',
  'pod port': 'pods',
};

/** The cells of the table in docs/security.md whose head begins with `certificate`. */
function readTable(): { certificate: string; column: string; cell: string }[] {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const lines = text.split('\n');
  const head = lines.findIndex((line) => line.startsWith('| certificate |'));
  const cellsOf = (line = ''): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, ...titles] = cellsOf(lines[head]);
  const rows = lines.slice(head + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .flatMap((line) => {
      const [certificate = '', ...cells] = cellsOf(line);
      return cells.map((cell, at) => ({ certificate, column: titles[at] ?? '', cell }));
    });
}

const table = readTable();
let ports: PortsUnderTest;

beforeAll(async () => {
  ports = await PortsUnderTest.open();
}, 60_000);
afterAll(() => ports.close());

describe('the table in docs/security.md', () => {
  it('has a cell for every certificate at every port', () => {
    const certificates = [...new Set(table.map(({ certificate }) => certificate))];
    expect(certificates.sort()).toEqual(ports.certificateNames.toSorted());
    expect([...new Set(table.map(({ column }) => column))]).toEqual(Object.keys(columns));
    expect(table).toHaveLength(certificates.length * Object.keys(columns).length);
  });

  it.each(table)('$certificate at $column: $cell', async ({ certificate, column, cell }) => {
    const port = columns[column];
    if (port === undefined) throw new Error(`no port is called ${column}`);
    for (const shown of ports.certificates(certificate)) expect(await ports.knock(port, shown)).toBe(cell);
  });
});
