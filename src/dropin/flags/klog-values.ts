import { readInteger } from './go-number.js';
import type { ParseResult } from './parse-result.js';

const level = { base: 10, bits: 32, signed: true } as const;
const severities = ['INFO', 'WARNING', 'ERROR', 'FATAL'];

export function readLevel(text: string): ParseResult<number> {
  return readInteger(text, level);
}

/** Reads a severity: its name or its number. The value is the number, 0 for INFO. */
export function readSeverity(text: string): ParseResult<number> {
  const named = severities.indexOf(text.toUpperCase());
  return named === -1 ? readInteger(text, level) : { value: named };
}

/** Reads `pattern=N,pattern=N` of `--vmodule`; the value is the text. */
export function readModuleSpec(text: string): ParseResult<string> {
  for (const part of text.split(',')) {
    if (part === '') continue;
    const [pattern = '', number = '', more] = part.split('=');
    const read = readLevel(number);
    if (pattern === '' || more !== undefined || 'fault' in read) {
      return { fault: 'syntax error: expect comma-separated list of filename=N' };
    }
    if (read.value < 0) return { fault: 'negative value for vmodule level' };
  }
  return { value: text };
}

/** Reads `file.go:234` of `--log-backtrace-at`; the value is the text. */
export function readTraceLocation(text: string): ParseResult<string> {
  if (text === '') return { value: '' };
  const [file = '', line = '', more] = text.split(':');
  const read = readInteger(line, { base: 10, bits: 64, signed: true });
  if (!file.includes('.') || more !== undefined || 'fault' in read) {
    return { fault: 'syntax error: expect file.go:234' };
  }
  return read.value > 0 ? { value: text } : { fault: 'negative or zero value for level' };
}
