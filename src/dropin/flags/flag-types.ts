import { parseLabelSelector } from '../../kube/label-selector.js';
import { durationText, readDuration } from './go-duration.js';
import { readList } from './go-list.js';
import { readBool, readFloat32, readInteger } from './go-number.js';
import { goQuote } from './go-quote.js';
import { readLevel, readModuleSpec, readSeverity, readTraceLocation } from './klog-values.js';
import type { ParseResult } from './parse-result.js';

/** The types of flags and of their values. `klog…` are flags of Go's own flag package, with its error texts. */
export interface FlagValues {
  readonly bool: boolean;
  readonly int: number;
  readonly float: number;
  readonly string: string;
  readonly list: readonly string[];
  /** Milliseconds. */
  readonly duration: number;
  readonly selector: string;
  readonly klogBool: boolean;
  readonly klogString: string;
  readonly klogUint: number;
  readonly klogLevel: number;
  readonly klogSeverity: number;
  readonly klogModules: string;
  readonly klogTrace: string;
}

export type FlagType = keyof FlagValues;
export type FlagValue = FlagValues[FlagType];

interface TypeRules<V> {
  /** The text after the flag's name in the help. */
  readonly label: string;
  readonly read: (text: string) => ParseResult<V>;
  /** The text of a default in the help. Empty when it is not shown. */
  readonly text: (value: V) => string;
}

const plain = (value: number): string => String(value);
const same = (text: string): ParseResult<string> => ({ value: text });
const quoted = (text: string): string => (text === '' ? '' : goQuote(text));
const flagged = (value: boolean): string => (value ? 'true' : '');

/** Go's flag package does not show the reason of strconv's error. */
function terse<V>(reading: ParseResult<V>): ParseResult<V> {
  if ('value' in reading) return reading;
  return { fault: reading.why === 'value out of range' ? reading.why : 'parse error' };
}

function readSelector(text: string): ParseResult<string> {
  if (parseLabelSelector(text) !== undefined) return { value: text };
  return { fault: `unable to parse requirement: ${goQuote(text)} is not a label selector` };
}

export const flagTypes: { readonly [T in FlagType]: TypeRules<FlagValues[T]> } = {
  bool: { label: '', read: readBool, text: flagged },
  int: { label: 'int', read: (text) => readInteger(text, { base: 0, bits: 64, signed: true }), text: plain },
  float: { label: 'float32', read: readFloat32, text: plain },
  string: { label: 'string', read: same, text: quoted },
  list: {
    label: 'strings',
    read: readList,
    text: (list) => (list.length === 0 ? '' : `[${list.join(',')}]`),
  },
  duration: { label: 'duration', read: readDuration, text: durationText },
  selector: { label: 'string', read: readSelector, text: quoted },
  klogBool: { label: '', read: (text) => terse(readBool(text)), text: flagged },
  klogString: { label: 'string', read: same, text: quoted },
  klogUint: {
    label: 'uint',
    read: (text) => terse(readInteger(text, { base: 0, bits: 64, signed: false })),
    text: plain,
  },
  klogLevel: { label: 'Level', read: readLevel, text: plain },
  klogSeverity: { label: 'severity', read: readSeverity, text: plain },
  klogModules: { label: 'moduleSpec', read: readModuleSpec, text: quoted },
  klogTrace: { label: 'traceLocation', read: readTraceLocation, text: quoted },
};

/** Booleans need no value: they never take the next word. */
export function needsNoValue(type: FlagType): boolean {
  return type === 'bool' || type === 'klogBool';
}
