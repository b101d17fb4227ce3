import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type FaithfulName,
  faithfulNames,
  faithfulOf,
  faithfulSwitches,
  parseFaithful,
} from '../../../src/core/faithful.js';

const all = faithfulNames(['server', 'agent', 'apiserver']);

describe('the names of the switches', () => {
  it('are read from a list, spaces and repetitions forgiven', () => {
    expect(parseFaithful('no-dial-timeout, drain-ignored,,no-dial-timeout')).toEqual([
      'no-dial-timeout',
      'drain-ignored',
    ]);
    expect(parseFaithful('')).toEqual([]);
  });

  it.each(['nonsense', 'toString', 'no-dial-timeout,No-Dial-Timeout'])('are a closed set: %s', (text) => {
    expect(parseFaithful(text)).toEqual({ unknown: text.split(',').at(-1) });
  });

  it('concern roles, and the others ignore them', () => {
    const names: FaithfulName[] = ['no-dial-timeout', 'head-of-line-blocking', 'log-cut-is-complete'];
    expect(faithfulOf('agent', names)).toEqual(['head-of-line-blocking']);
    expect(faithfulOf('apiserver', names)).toEqual(['log-cut-is-complete']);
    expect(all).toHaveLength(Object.keys(faithfulSwitches).length);
  });

  it('are all in docs/faithful.md, with the texts of the table', () => {
    const text = readFileSync(new URL('../../../docs/faithful.md', import.meta.url), 'utf8');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const name of all) {
      const { roles, brings, original, ours } = faithfulSwitches[name];
      expect(rows).toContainEqual(['', `\`${name}\``, roles.join(', '), brings, original, ours, '']);
    }
    expect(rows.filter(([, cell]) => /^`[a-z0-9-]+`$/.test(cell ?? ''))).toHaveLength(all.length);
  });
});
