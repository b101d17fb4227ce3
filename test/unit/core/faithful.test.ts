import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type FaithfulOptions,
  faithfulNames,
  faithfulSet,
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

  it('each concern a role', () => {
    expect(all).toHaveLength(Object.keys(faithfulSwitches).length);
  });

  it('that a user sees in the newest releases are on by default, with those that are asked for', () => {
    const on = [...faithfulSet({ faithful: ['drain-ignored'] })];
    expect(on).toContain('exec-cut-is-success');
    expect(on).toContain('drain-ignored');
    expect(on).not.toContain('any-connection-id');
    expect(faithfulSet({})).toEqual(new Set(all.filter((name) => faithfulSwitches[name].kind === 'seen')));
  });

  it('are off in a part that is ideal, but for those that are asked for', () => {
    expect(faithfulSet({ as: 'ideal' })).toEqual(new Set());
    const one = faithfulSet({ as: 'ideal', faithful: ['log-cut-is-complete'] });
    expect(one).toEqual(new Set(['log-cut-is-complete']));
  });

  it.each([
    [{ as: 'nope' }, 'as: "nope" is not known; known: real, ideal'],
    [{ as: '' }, 'as: "" is not known'],
    [{ faithful: ['nope'] }, 'faithful: "nope" is not known'],
    [{ faithful: 'head-of-line-blocking' }, 'faithful: "head-of-line-blocking" is not known; known: a list'],
  ])('that no type has checked are refused: %j', (options, message) => {
    expect(() => faithfulSet(options as FaithfulOptions)).toThrow(message);
  });

  it('are all in docs/faithful.md, with the texts of the table', () => {
    const text = readFileSync(new URL('../../../docs/faithful.md', import.meta.url), 'utf8');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const name of all) {
      const { kind, roles, brings, original, ours } = faithfulSwitches[name];
      const on = kind === 'seen' ? 'on' : 'off';
      expect(rows).toContainEqual([
        '',
        `\`${name}\``,
        on,
        kind,
        roles.join(', '),
        brings,
        original,
        ours,
        '',
      ]);
    }
    expect(rows.filter(([, cell]) => /^`[a-z0-9-]+`$/.test(cell ?? ''))).toHaveLength(all.length);
  });
});
