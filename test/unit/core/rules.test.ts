import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readme = readFileSync(join(root, 'proto/README.md'), 'utf8');
const defined = [...readme.matchAll(/\*\*(R\d+)\*\*/g)].map((match) => match[1] ?? '');

function citedIn(folder: string, except: string): Map<string, string> {
  const cited = new Map<string, string>();
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name === except) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [rule] of text.matchAll(/\bR\d+\b/g)) cited.set(rule, entry.name);
  }
  return cited;
}

describe('the rules of the wire', () => {
  it('are numbered once each, without a gap', () => {
    const numbers = defined.map((rule) => Number(rule.slice(1))).sort((a, b) => a - b);
    expect(numbers.length).toBeGreaterThanOrEqual(23);
    expect(numbers).toEqual(numbers.map((_unused, index) => index + 1));
  });

  it('are each cited by a test', () => {
    const cited = citedIn('test', 'rules.test.ts');
    expect(defined.filter((rule) => !cited.has(rule))).toEqual([]);
  });

  it('are the only ones that the tunnel’s code cites', () => {
    for (const folder of ['src/core', 'src/server', 'src/agent', 'src/wire']) {
      const strangers = [...citedIn(folder, '')].filter(([rule]) => !defined.includes(rule));
      expect(strangers).toEqual([]);
    }
  });
});
