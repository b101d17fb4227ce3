import { writeText } from '../io/byte-sink.js';
import type { Command } from './command.js';

const unitMs: Readonly<Record<string, number>> = {
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function durationMs(text: string): number | undefined {
  if (text === 'inf' || text === 'infinity') return Number.POSITIVE_INFINITY;
  const match = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text);
  const unit = unitMs[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

export const sleep: Command = {
  accepts: () => true,
  async run(process) {
    if (process.args.length === 0) {
      await writeText(process.stderr, 'sleep: missing operand\n');
      return 1;
    }
    let totalMs = 0;
    for (const arg of process.args) {
      const ms = durationMs(arg);
      if (ms === undefined) {
        await writeText(process.stderr, `sleep: invalid time interval '${arg}'\n`);
        return 1;
      }
      totalMs += ms;
    }
    await process.machine.sleep(totalMs, process.signal);
    return 0;
  },
};

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

const two = (value: number): string => String(value).padStart(2, '0');
const dayOfYear = (t: Date): number =>
  Math.floor((t.getTime() - Date.UTC(t.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;

/** The letters of `date +FORMAT`, in UTC. */
const fields: Readonly<Record<string, (t: Date) => string>> = {
  Y: (t) => String(t.getUTCFullYear()),
  y: (t) => two(t.getUTCFullYear() % 100),
  m: (t) => two(t.getUTCMonth() + 1),
  d: (t) => two(t.getUTCDate()),
  e: (t) => String(t.getUTCDate()).padStart(2, ' '),
  H: (t) => two(t.getUTCHours()),
  I: (t) => two(t.getUTCHours() % 12 || 12),
  M: (t) => two(t.getUTCMinutes()),
  S: (t) => two(t.getUTCSeconds()),
  N: (t) => `${String(t.getUTCMilliseconds()).padStart(3, '0')}000000`,
  s: (t) => String(Math.floor(t.getTime() / 1000)),
  j: (t) => String(dayOfYear(t)).padStart(3, '0'),
  a: (t) => (days[t.getUTCDay()] ?? '').slice(0, 3),
  A: (t) => days[t.getUTCDay()] ?? '',
  b: (t) => (months[t.getUTCMonth()] ?? '').slice(0, 3),
  B: (t) => months[t.getUTCMonth()] ?? '',
  p: (t) => (t.getUTCHours() < 12 ? 'AM' : 'PM'),
  u: (t) => String(t.getUTCDay() || 7),
  w: (t) => String(t.getUTCDay()),
  Z: () => 'UTC',
  z: () => '+0000',
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
};
const compound: Readonly<Record<string, string>> = {
  F: '%Y-%m-%d',
  T: '%H:%M:%S',
  R: '%H:%M',
  D: '%m/%d/%y',
};

function format(pattern: string, time: Date): string {
  return pattern
    .replace(/%([FTRD])/g, (_, letter: string) => compound[letter] ?? '')
    .replace(/%(-?)([a-zA-Z%])/g, (all, bare: string, letter: string) => {
      const text = fields[letter]?.(time);
      if (text === undefined) return all;
      return bare === '' ? text : text.replace(/^[0 ]+(?=.)/, '');
    });
}

const datePatterns: Readonly<Record<string, string>> = {
  '': '%a %b %e %H:%M:%S %Z %Y',
  '-I': '%F',
  '-Iseconds': '%FT%T+00:00',
  '--iso-8601=seconds': '%FT%T+00:00',
  '-R': '%a, %d %b %Y %T %z',
};

function datePattern(args: readonly string[]): string | undefined {
  const [first = '', ...more] = args.filter((arg) => arg !== '-u');
  if (more.length > 0) return undefined;
  return first.startsWith('+') ? first.slice(1) : datePatterns[first];
}

/** The lab's time, always in UTC. Other options than `-u`, `-I`, `-R` and `+FORMAT` run the shell library's date. */
export const date: Command = {
  accepts: (args) => datePattern(args) !== undefined,
  async run(process) {
    await writeText(
      process.stdout,
      `${format(datePattern(process.args) ?? '', new Date(process.machine.now()))}\n`,
    );
    return 0;
  },
};
