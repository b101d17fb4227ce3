import type { Writable } from 'node:stream';
import type { EventSink, LabEvent } from '../core/events.js';
import { type LogLevel, levelOf } from '../observe/event-log.js';
import { eventText, printable } from '../observe/event-text.js';

export type Severity = 'I' | 'W' | 'E';

/** Log lines as klog writes them. */
export interface Klog {
  /** Writes a line of one severity, at whatever verbosity. */
  readonly say: (severity: Severity, text: string) => void;
  /** Writes an event if the verbosity wants it. */
  readonly event: EventSink;
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

/** How much may wait for a slow reader. */
const mostWaitingBytes = 1024 * 1024;

const verbosityOf: Readonly<Record<LogLevel, number>> = { error: 0, warn: 0, info: 0, debug: 3, trace: 6 };
/** From here on packets are told of. */
export const packetVerbosity = 5;

export function createKlog({ program, verbosity, destination, now }: KlogOptions): Klog {
  let missed = 0;
  const write = (severity: Severity, text: string): void => {
    if (destination.writableLength > mostWaitingBytes) {
      missed += 1;
      return;
    }
    const head = (of: Severity): string => `${of}${stamp(now())} ${processId()} ${program}:0] `;
    const gap = missed === 0 ? '' : `${head('W')}${missed} lines were lost: the log is read too slowly\n`;
    missed = 0;
    destination.write(`${gap}${head(severity)}${printable(text)}\n`);
  };
  return {
    say: write,
    event(body) {
      // A line tells neither the number nor the lab time of an event.
      const event: LabEvent = { ...body, seq: 0, t: 0 };
      const level = levelOf(event);
      const packet = event.kind === 'packet' && level === 'debug';
      if (verbosity < (packet ? packetVerbosity : verbosityOf[level])) return;
      write(level === 'warn' ? 'W' : level === 'error' ? 'E' : 'I', eventText(event));
    },
  };
}

/** `mmdd hh:mm:ss.uuuuuu`, local time. */
function stamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = two(date.getMonth() + 1) + two(date.getDate());
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}000`;
}

function processId(): string {
  return String(process.pid).padStart(7);
}
