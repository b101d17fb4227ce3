import type { ParseResult } from './parse-result.js';

/** As pflag's string slices: one CSV record, so that `"a,b",c` has two elements. Go's `[]` is empty, too. */
export function readList(text: string): ParseResult<readonly string[]> {
  if (text === '' || text === '[]') return { value: [] };
  const elements: string[] = [];
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    if ('fault' in field) return field;
    elements.push(field.value);
    if (field.end >= text.length) return { value: elements };
    at = field.end + 1;
  }
}

type Field = { readonly value: string; readonly end: number } | { readonly fault: string };

function plainField(text: string, start: number): Field {
  const comma = text.indexOf(',', start);
  const end = comma === -1 ? text.length : comma;
  const value = text.slice(start, end);
  const quote = value.indexOf('"');
  if (quote === -1) return { value, end };
  return { fault: fault(text, start + quote, 'bare " in non-quoted-field') };
}

function quotedField(text: string, start: number): Field {
  const inside = /^"((?:[^"]|"")*)"/.exec(text.slice(start));
  const stray = 'extraneous or missing " in quoted-field';
  if (inside === null) return { fault: fault(text, text.length, stray) };
  const end = start + inside[0].length;
  if (end < text.length && text[end] !== ',') return { fault: fault(text, end - 1, stray) };
  return { value: (inside[1] ?? '').replaceAll('""', '"'), end };
}

/** Go counts bytes, from 1. */
function fault(text: string, at: number, what: string): string {
  return `parse error on line 1, column ${Buffer.byteLength(text.slice(0, at)) + 1}: ${what}`;
}

/** Reads `--lease-label`: `k=v,k=v`, blanks around keys and values dropped. The texts are Konnectivity's. */
export function readLabels(text: string): ParseResult<Readonly<Record<string, string>>> {
  if (text === '') return { fault: 'empty string provided' };
  const labels: [string, string][] = [];
  for (const pair of text.split(',')) {
    const [key, value, more] = pair.split('=');
    if (key === undefined || value === undefined || more !== undefined) {
      return { fault: `invalid label format: ${pair}` };
    }
    labels.push([key.trim(), value.trim()]);
  }
  return { value: Object.fromEntries(labels) };
}
