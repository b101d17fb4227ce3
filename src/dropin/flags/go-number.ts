import { goQuote } from './go-quote.js';
import type { NumberFault, ParseResult } from './parse-result.js';

/** 0 means as in Go's source: `0x1f`, `0b101`, `0o17`, `017`, `1_000`. */
export interface IntegerForm {
  readonly base: 0 | 10;
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

const underscored = /^(?:0|[1-9](?:_?\d)*|0(?:_?[0-7])+|0x(?:_?[\da-f])+|0o(?:_?[0-7])+|0b(?:_?[01])+)$/i;
const oldOctal = /^0(?=[0-7])/;

/** Reads an integer with the texts of Go's `strconv.ParseInt` and `strconv.ParseUint`. */
export function readInteger(text: string, { base, bits, signed }: IntegerForm): ParseResult<number> {
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const wellFormed = base === 10 ? /^\d+$/.test(digits) : underscored.test(digits);
  const fault = (why: NumberFault): ParseResult<number> => ({
    why,
    fault: `strconv.${signed ? 'ParseInt' : 'ParseUint'}: parsing ${goQuote(text)}: ${why}`,
  });
  if (!wellFormed || (!signed && sign !== '')) return fault('invalid syntax');
  const size = magnitude(digits, base);
  const most = 2n ** BigInt(signed ? bits - 1 : bits);
  if (sign === '-' ? size > most : size >= most) return fault('value out of range');
  return { value: Number(sign === '-' ? -size : size) };
}

function magnitude(digits: string, base: 0 | 10): bigint {
  if (base === 10) return BigInt(digits);
  const plain = digits.replaceAll('_', '').toLowerCase();
  return BigInt(plain.replace(oldOctal, '0o'));
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const special = /^([+-]?)(?:(inf|infinity)|nan)$/i;

/** Reads a decimal number of 32 bits with the texts of Go's `strconv.ParseFloat`. */
export function readFloat32(text: string): ParseResult<number> {
  const fault = (why: NumberFault): ParseResult<number> => ({
    why,
    fault: `strconv.ParseFloat: parsing ${goQuote(text)}: ${why}`,
  });
  const word = special.exec(text);
  if (word !== null) {
    if (word[2] !== undefined) return { value: word[1] === '-' ? -Infinity : Infinity };
    return word[1] === '' ? { value: Number.NaN } : fault('invalid syntax');
  }
  if (!decimal.test(text)) return fault('invalid syntax');
  const value = Math.fround(Number(text));
  return Number.isFinite(value) ? { value } : fault('value out of range');
}

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const lies = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Reads a boolean with the text of Go's `strconv.ParseBool`. */
export function readBool(text: string): ParseResult<boolean> {
  if (truths.has(text)) return { value: true };
  if (lies.has(text)) return { value: false };
  return { fault: `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax` };
}
