import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import type { StrategyName } from '../core/strategy.js';

/** An option that may also come from the environment: `--api-port` from `KONNSIM_API_PORT`. */
export function option(flags: string, description: string): Option {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  return new Option(flags, description).env(`KONNSIM_${name.replaceAll('-', '_').toUpperCase()}`);
}

/** Reads a whole number of the given range. */
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

/** For options that may be given several times. */
export function collect(text: string, soFar: readonly string[] | undefined): string[] {
  return [...(soFar ?? []), text];
}

/** Reads a list for `--proxy-strategies`. */
export function strategyList(text: string): StrategyName[] {
  return text.split(',').map((name) => {
    if (name === 'default' || name === 'destHost' || name === 'defaultRoute') return name;
    throw new InvalidArgumentError(`unknown proxy strategy: ${name}`);
  });
}
