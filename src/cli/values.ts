import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { splitHostPort } from '../core/address.js';
import { parseDuration } from '../core/duration.js';
import {
  type BehaviourMode,
  behaviourModes,
  type FaithfulName,
  type FaithfulRole,
  faithfulNames,
  parseFaithful,
} from '../core/faithful.js';
import type { StrategyName } from '../core/strategy.js';
import { maxSocketPathBytes } from '../wire/net/socket-listener.js';

/** Values of an environment variable that keep a flag without a value off. */
const off = new Set(['', '0', 'false', 'no', 'off']);

/** An option that may also come from the environment: `--api-port` from `KONNSIM_API_PORT`. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  const variable = `KONNSIM_${name.replaceAll('-', '_').toUpperCase()}`;
  const takesValue = made.required || made.optional;
  if (!takesValue && off.has((process.env[variable] ?? 'on').toLowerCase())) return made;
  return made.env(variable);
}

export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

export const portNumber = wholeNumber(0, 65_535);

/** Reads Go's duration syntax as milliseconds. */
export function durationMs(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value < 0) {
    throw new InvalidArgumentError('It must be a duration such as 30s, 1m30s or 500ms.');
  }
  return value;
}

/** For options that may be given several times, or once as a list with commas. */
export function collect(text: string, soFar: readonly string[] | undefined): string[] {
  return [...(soFar ?? []), ...text.split(',')];
}

export function httpsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must be https://HOST:PORT.');
}

/** Refuses an empty text. */
export function someText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
}

export function strategyList(text: string): StrategyName[] {
  return text.split(',').map((name) => {
    if (name === 'default' || name === 'destHost' || name === 'defaultRoute') return name;
    throw new InvalidArgumentError(`unknown proxy strategy: ${name}`);
  });
}

export function hostPort(text: string): string {
  if (splitHostPort(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be HOST:PORT.');
}

/** Reads a text that fits a gRPC header: printable ASCII. */
export function headerText(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be printable ASCII and not empty.');
}

/** Reads the path of a Unix socket. Makes it absolute, because gRPC addresses have no relative paths. */
export function socketPath(text: string): string {
  const path = resolve(someText(text));
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes <= maxSocketPathBytes) return path;
  throw new InvalidArgumentError(
    `The path of a Unix socket may have at most ${maxSocketPathBytes} bytes; this one has ${sizeBytes}.`,
  );
}

export interface BehaviourFlags {
  readonly as: BehaviourMode;
  readonly faithful: readonly FaithfulName[];
}

export function asOption(): Option {
  const text = 'real: fails as the newest releases do; ideal: tells each failure, and soon';
  return option('--as <mode>', text).argParser(modeOf).default('real');
}

function modeOf(text: string): BehaviourMode {
  // Empty when an unset variable is passed on.
  const mode = behaviourModes.find((known) => known === (text === '' ? 'real' : text));
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(`It must be ${behaviourModes.join(' or ')}.`);
}

/** Names of other roles are accepted and have no effect, so that one KONNSIM_FAITHFUL works for all parts. */
export function faithfulOption(roles: readonly FaithfulRole[]): Option {
  const concerned = faithfulNames(roles).join(', ');
  return option('--faithful <names>', `faults of the original besides those of --as: ${concerned}`)
    .argParser((text, soFar: readonly FaithfulName[]): readonly FaithfulName[] => {
      const names = parseFaithful(text);
      if (!('unknown' in names)) return [...soFar, ...names];
      throw new InvalidArgumentError(`"${names.unknown}" is not one of ${concerned}.`);
    })
    .default([], 'none');
}
