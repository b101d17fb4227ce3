import type { Writable } from 'node:stream';
import type { EventSink } from '../core/events.js';
import { type LogLevel, levelOf } from '../observe/event-log.js';
import { eventText, printable } from '../observe/event-text.js';

export type Severity = 'I' | 'W' | 'E';

/** Log lines as klog writes them. Information is gathered for some milliseconds: a write costs much of what a dial does. */
export interface Klog {
  /** Writes a line of one severity, at whatever verbosity. */
  readonly say: (severity: Severity, text: string) => void;
  /** Writes an event if the verbosity wants it. */
  readonly event: EventSink;
  /** Writes what was gathered: to be called before the process ends, or before somebody else writes. */
  readonly flush: () => void;
}

export interface KlogOptions {
  /** Stands where klog names the source: `proxy-agent`. */
  readonly program: string;
  /** `--v`: 0 lets pass what happens to servers and agents, 3 dials and connections, 5 packets, 6 DATA too. */
  readonly verbosity: number;
  /** The caller owns it, and its `error` event. */
  readonly destination: Writable;
  readonly now: () => Date;
}

/** How long information is gathered; what went wrong is written at once, with all that came before. */
const gatherMs = 10;
const maxGatheredBytes = 64 * 1024;
/** How much may wait for a slow reader. */
const maxWaitingBytes = 1024 * 1024;

const verbosityOf: Readonly<Record<LogLevel, number>> = { error: 0, warn: 0, info: 0, debug: 3, trace: 6 };
/** From here on packets are told of. */
export const packetVerbosity = 5;

export function createKlog({ program, verbosity, destination, now }: KlogOptions): Klog {
  const stamp = createStamp();
  let missed = 0;
  let lines = '';
  const flush = (): void => {
    const text = lines;
    lines = '';
    if (text !== '') destination.write(text);
  };
  const write = (severity: Severity, text: string): void => {
    if (destination.writableLength + lines.length > maxWaitingBytes) {
      missed += 1;
      return;
    }
    const head = (of: Severity): string => `${of}${stamp(now())} ${processId} ${program}:0] `;
    const gap = missed === 0 ? '' : `${head('W')}${missed} lines were lost: the log is read too slowly\n`;
    missed = 0;
    if (lines === '') setTimeout(flush, gatherMs).unref();
    lines += `${gap}${head(severity)}${printable(text)}\n`;
    if (severity !== 'I' || lines.length >= maxGatheredBytes) flush();
  };
  return {
    say: write,
    flush,
    event(body) {
      const level = levelOf(body);
      const packet = body.kind === 'packet' && level === 'debug';
      if (verbosity < (packet ? packetVerbosity : verbosityOf[level])) return;
      write(level === 'warn' ? 'W' : level === 'error' ? 'E' : 'I', eventText(body));
    },
  };
}

/** `mmdd hh:mm:ss.uuuuuu`, local time; what changes with the second is made once for each. */
function createStamp(): (date: Date) => string {
  const two = (value: number): string => String(value).padStart(2, '0');
  let second = Number.NaN;
  let text = '';
  return (date) => {
    const ms = date.getTime();
    if (Math.floor(ms / 1000) !== second) {
      second = Math.floor(ms / 1000);
      const day = two(date.getMonth() + 1) + two(date.getDate());
      text = `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
    }
    return `${text}.${String(ms - second * 1000).padStart(3, '0')}000`;
  };
}

const processId = String(process.pid).padStart(7);
