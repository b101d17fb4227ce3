import type { Writable } from 'node:stream';
import type { EventSink } from '../core/events.js';
import { type LogLevel, levelOf } from '../observe/event-log.js';
import { eventText, printable } from '../observe/event-text.js';

export type Severity = 'I' | 'W' | 'E';

/** klog's format. Lines of severity I are collected for some ms: a write costs nearly as much as a dial. */
export interface Klog {
  /** Writes a line of this severity, with any verbosity. */
  readonly say: (severity: Severity, text: string) => void;
  /** Writes an event when the verbosity includes it. */
  readonly event: EventSink;
  /** Writes all collected lines. Call this before the process ends, or before other code writes. */
  readonly flush: () => void;
}

export interface KlogOptions {
  /** The name in place of klog's source file: `proxy-agent`. */
  readonly program: string;
  /** `--v`: 0 logs events of servers and agents, 3 also dials and connections, 5 also packets, 6 also DATA. */
  readonly verbosity: number;
  /** Where the log goes. The caller owns it and handles its `error` event. */
  readonly destination: Writable;
  readonly now: () => Date;
}

/** How long lines of severity I are collected, ms. Other severities are written at once, after all earlier lines. */
const gatherMs = 10;
const maxGatheredBytes = 64 * 1024;
/** How many bytes may wait for a slow reader. */
const maxWaitingBytes = 1024 * 1024;
const verbosityOf: Readonly<Record<LogLevel, number>> = { error: 0, warn: 0, info: 0, debug: 3, trace: 6 };
/** From this verbosity on, packets are logged. */
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

/** `mmdd hh:mm:ss.uuuuuu`, in local time. The part that changes only each second is made once per second. */
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
