import { parseDuration } from '../../core/duration.js';
import { goQuote } from './go-quote.js';
import type { ParseResult } from './parse-result.js';

const units = new Set(['ns', 'us', 'µs', 'μs', 'ms', 's', 'm', 'h']);
const maxMs = 2 ** 63 / 1e6;

/** Reads a duration as milliseconds, with the texts of Go's `time.ParseDuration`. */
export function readDuration(text: string): ParseResult<number> {
  // Go accepts both code points of the micro sign.
  const valueMs = parseDuration(text.replaceAll('μ', 'µ'));
  if (valueMs !== undefined && Math.abs(valueMs) < maxMs) return { value: valueMs };
  return { fault: `time: ${faultOf(text)}duration ${goQuote(text)}` };
}

function faultOf(text: string): string {
  let rest = text.replace(/^[+-]/, '');
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) break;
    const unit = /^[^.\d]*/.exec(rest.slice(number.length))?.[0] ?? '';
    if (unit === '') return 'missing unit in ';
    if (!units.has(unit)) return `unknown unit ${goQuote(unit)} in `;
    rest = rest.slice(number.length + unit.length);
  }
  return 'invalid ';
}

/** A duration as Go prints it: `1h0m0s`, `1.5s`, `100ms`, `0s`. */
export function durationText(valueMs: number): string {
  const ns = BigInt(Math.round(Math.abs(valueMs) * 1e6));
  const sign = valueMs < 0 && ns > 0n ? '-' : '';
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${fraction(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${fraction(ns, 6)}ms`;
  const wholeMinutes = ns / 60_000_000_000n;
  const seconds = `${fraction(ns % 60_000_000_000n, 9)}s`;
  if (wholeMinutes === 0n) return `${sign}${seconds}`;
  const hours = wholeMinutes / 60n;
  return `${sign}${hours === 0n ? '' : `${hours}h`}${wholeMinutes % 60n}m${seconds}`;
}

/** A whole number with the decimal point moved left, without trailing zeros. */
function fraction(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const decimals = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${decimals === '' ? '' : `.${decimals}`}`;
}
