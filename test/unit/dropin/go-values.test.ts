import { describe, expect, it } from 'vitest';
import { durationText, readDuration } from '../../../src/dropin/flags/go-duration.js';
import { readLabels, readList } from '../../../src/dropin/flags/go-list.js';
import { readBool, readFloat32, readInteger } from '../../../src/dropin/flags/go-number.js';
import { goQuote, goQuoteChar } from '../../../src/dropin/flags/go-quote.js';
import {
  readLevel,
  readModuleSpec,
  readSeverity,
  readTraceLocation,
} from '../../../src/dropin/flags/klog-values.js';

const goInt = { base: 0, bits: 64, signed: true } as const;

describe('numbers as Go reads them', () => {
  it.each([
    ['0', 0],
    ['-1', -1],
    ['+7', 7],
    ['0x1F', 31],
    ['0b101', 5],
    ['0o17', 15],
    ['017', 15],
    ['1_000', 1000],
    ['0x_ff', 255],
  ])('%s is an integer', (text, value) => {
    expect(readInteger(text, goInt)).toEqual({ value });
  });

  it.each(['', '08', '1_', '_1', '1__0', ' 1', '1 ', '0x', '1.0', '1e3', '--1', '0b2'])(
    '%j is no integer',
    (text) => {
      expect(readInteger(text, goInt)).toMatchObject({
        fault: `strconv.ParseInt: parsing "${text}": invalid syntax`,
      });
    },
  );

  it('knows the bounds of 32 and 64 bits', () => {
    expect(readLevel('-2147483648')).toEqual({ value: -2147483648 });
    expect(readLevel('2147483648')).toMatchObject({
      fault: 'strconv.ParseInt: parsing "2147483648": value out of range',
    });
    expect(readInteger('-9223372036854775809', goInt)).toHaveProperty('fault');
    expect(readInteger('18446744073709551615', { ...goInt, signed: false })).toHaveProperty('value');
    expect(readInteger('-0', { ...goInt, signed: false })).toHaveProperty('fault');
  });

  it('reads base 10 without prefixes', () => {
    expect(readLevel('010')).toEqual({ value: 10 });
    expect(readLevel('0x1')).toHaveProperty('fault');
    expect(readLevel('1_0')).toHaveProperty('fault');
  });

  it('reads floats of 32 bits', () => {
    expect(readFloat32('2.5')).toEqual({ value: 2.5 });
    expect(readFloat32('.5e1')).toEqual({ value: 5 });
    expect(readFloat32('-Inf')).toEqual({ value: -Infinity });
    expect(readFloat32('nan')).toEqual({ value: Number.NaN });
    expect(readFloat32('1e39')).toMatchObject({
      fault: 'strconv.ParseFloat: parsing "1e39": value out of range',
    });
    for (const text of ['', '1,5', 'e1', '+nan']) expect(readFloat32(text)).toHaveProperty('fault');
  });

  it('takes the twelve words for true and false, and no other', () => {
    for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True'])
      expect(readBool(text)).toEqual({ value: true });
    for (const text of ['0', 'f', 'F', 'false', 'FALSE', 'False'])
      expect(readBool(text)).toEqual({ value: false });
    expect(readBool('tRUE')).toMatchObject({ fault: 'strconv.ParseBool: parsing "tRUE": invalid syntax' });
  });
});

describe('durations as Go reads and prints them', () => {
  it.each([
    [0, '0s'],
    [1e-6, '1ns'],
    [0.0015, '1.5µs'],
    [100, '100ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [90_061_001, '25h1m1.001s'],
    [-1000, '-1s'],
  ])('%d ms is %s', (valueMs, text) => {
    expect(durationText(valueMs)).toBe(text);
    expect(readDuration(text)).toEqual({ value: valueMs });
  });

  it.each([
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['1h x', 'time: unknown unit "h x" in duration "1h x"'],
    ['5', 'time: missing unit in duration "5"'],
    ['1h5', 'time: missing unit in duration "1h5"'],
    ['5d', 'time: unknown unit "d" in duration "5d"'],
    ['.s', 'time: invalid duration ".s"'],
    ['-', 'time: invalid duration "-"'],
    ['3000000h', 'time: invalid duration "3000000h"'],
  ])('%j is refused', (text, fault) => {
    expect(readDuration(text)).toMatchObject({ fault });
  });

  it('takes both signs for micro', () => {
    expect(readDuration('5μs')).toEqual(readDuration('5µs'));
  });
});

describe('lists and maps', () => {
  it('splits at commas outside quotes', () => {
    expect(readList('a,"b,""c""",')).toEqual({ value: ['a', 'b,"c"', ''] });
    expect(readList('')).toEqual({ value: [] });
    expect(readList('[]')).toEqual({ value: [] });
  });

  it('refuses stray quotes with their place', () => {
    expect(readList('a,b"c')).toMatchObject({
      fault: 'parse error on line 1, column 4: bare " in non-quoted-field',
    });
    expect(readList('"a"b')).toMatchObject({
      fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field',
    });
    expect(readList('"a')).toMatchObject({
      fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field',
    });
  });

  it('reads labels', () => {
    expect(readLabels('a=b, c = d')).toEqual({ value: { a: 'b', c: 'd' } });
    expect(readLabels('a=')).toEqual({ value: { a: '' } });
    expect(readLabels('')).toMatchObject({ fault: 'empty string provided' });
    for (const pair of ['a', 'a=b=c', '']) {
      expect(readLabels(`x=y,${pair}`)).toMatchObject({ fault: `invalid label format: ${pair}` });
    }
  });
});

describe('values of klog', () => {
  it('severities are names or numbers', () => {
    expect(readSeverity('warning')).toEqual({ value: 1 });
    expect(readSeverity('2')).toEqual({ value: 2 });
    expect(readSeverity('loud')).toMatchObject({
      fault: 'strconv.ParseInt: parsing "loud": invalid syntax',
    });
  });

  it('module patterns have levels', () => {
    expect(readModuleSpec('a=1,b*=2,')).toEqual({ value: 'a=1,b*=2,' });
    expect(readModuleSpec('a=-1')).toMatchObject({ fault: 'negative value for vmodule level' });
    for (const text of ['a', '=1', 'a=', 'a=1=2', 'a=x']) {
      expect(readModuleSpec(text)).toMatchObject({
        fault: 'syntax error: expect comma-separated list of filename=N',
      });
    }
  });

  it('trace locations are a file and a line', () => {
    expect(readTraceLocation('a.go:12')).toEqual({ value: 'a.go:12' });
    expect(readTraceLocation('')).toEqual({ value: '' });
    expect(readTraceLocation('a.go:0')).toMatchObject({ fault: 'negative or zero value for level' });
    for (const text of ['a.go', 'a:1', 'a.go:x', 'a.go:1:2']) {
      expect(readTraceLocation(text)).toMatchObject({ fault: 'syntax error: expect file.go:234' });
    }
  });
});

describe('quotes', () => {
  it('are those of %q', () => {
    expect(goQuote('a"b\\\n\x01')).toBe('"a\\"b\\\\\\n\\x01"');
    expect([goQuoteChar('x'), goQuoteChar("'"), goQuoteChar('"')]).toEqual(["'x'", "'\\''", `'"'`]);
  });
});
