import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flag } from '../../../src/dropin/flags/flag-row.js';
import { durationText, readDuration } from '../../../src/dropin/flags/go-duration.js';
import { readList } from '../../../src/dropin/flags/go-list.js';
import { parseFlags } from '../../../src/dropin/flags/parse-flags.js';

const table = {
  'an-int': flag('int', 1, ''),
  'a-text': flag('string', 'x', ''),
  'a-bool': flag('bool', false, ''),
  'a-duration': flag('duration', 0, ''),
  v: flag('klogLevel', 4, '', { shorthand: 'v' }),
} as const;

const wholeMs = fc.integer({ min: -1e9, max: 1e9 });
const values = fc.record({
  'an-int': fc.maxSafeInteger(),
  'a-text': fc.string({ unit: 'binary' }),
  'a-bool': fc.boolean(),
  'a-duration': wholeMs,
  v: fc.integer({ min: 0, max: 100 }),
});

type Name = keyof typeof table;

/** One of the ways to write a flag. */
function written(name: Name, value: string, form: number): string[] {
  const spelled = `--${form % 4 < 2 ? name : name.replaceAll('-', '_')}`;
  if (name === 'v' && form % 3 === 0)
    return [[`-v${value}`], ['-v', value], [`-v=${value}`]][(form / 3) % 3] ?? [];
  return name === 'a-bool' || form % 2 === 0 ? [`${spelled}=${value}`] : [spelled, value];
}

describe('the parser', () => {
  it('reads flags in any order and form, among other words', () => {
    fc.assert(
      fc.property(
        values,
        fc.shuffledSubarray(Object.keys(table) as Name[], { minLength: 5 }),
        fc.array(fc.nat(11), { minLength: 5, maxLength: 5 }),
        (wanted, order, forms) => {
          const argv = order.flatMap((name, index) => {
            const value = name === 'a-duration' ? durationText(wanted[name]) : String(wanted[name]);
            return [`word${index}`, ...written(name, value, forms[index] ?? 0)];
          });
          const parsed = parseFlags(table, argv);
          if ('fault' in parsed) throw new Error(parsed.fault);
          expect(parsed.value.values).toEqual(wanted);
          expect([...parsed.value.given]).toEqual(order);
          expect(parsed.value.args).toEqual(order.map((_, index) => `word${index}`));
        },
      ),
    );
  });

  it('answers any words with values or one fault, and never throws', () => {
    const word = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('-', '=', 'v', 'a', '1', '"', ',') }),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        const parsed = parseFlags(table, argv);
        if ('fault' in parsed) expect(parsed.fault).not.toBe('');
        else expect(Object.keys(parsed.value.values)).toEqual(Object.keys(table));
      }),
    );
  });
});

describe('values', () => {
  it('durations written by Go read back the same', () => {
    fc.assert(
      fc.property(wholeMs, (valueMs) => {
        expect(readDuration(durationText(valueMs))).toEqual({ value: valueMs });
      }),
    );
  });

  it('lists in quotes read back the same', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (elements) => {
        const text = elements.map((element) => `"${element.replaceAll('"', '""')}"`).join(',');
        expect(readList(text)).toEqual({ value: elements });
      }),
    );
  });
});
