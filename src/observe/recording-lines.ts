import { TunnelError } from '../core/errors.js';
import type { LabEvent } from '../core/events.js';

/** A journal that was written to a file: a first line that says so, then one event a line, as JSON. */
export interface Recording {
  /** The version of the form, from the first line. This release writes and reads 1. */
  readonly version: number;
  /** The seed of the lab: `startLab({ seed })` repeats its random choices. Absent for the events of several processes. */
  readonly seed?: number;
  /** The wall time at which `t` is 0, as ISO 8601. */
  readonly startedAt: string;
  /** The events, oldest first. */
  readonly events: readonly LabEvent[];
  /** True when the last line was cut off, as by the end of the process. That event is left out. */
  readonly truncated: boolean;
}

/** The version of the form that this release writes and reads. */
export const version = 1;
/** What the first line names. */
export const writer = 'konnectivity-sim';

type Header = Pick<Recording, 'version' | 'seed' | 'startedAt'>;

/** Reads a recording line by line, wherever the lines come from. `path` is its name in errors. */
export class RecordingReader {
  private readonly path: string;
  private readonly events: LabEvent[] = [];
  private header: Header | undefined;
  private lines = 0;

  constructor(path: string) {
    this.path = path;
  }

  take(line: string): void {
    this.lines += 1;
    if (this.header === undefined) {
      this.header = this.readHeader(line);
      return;
    }
    const event = parsed(line);
    if (!isEvent(event)) throw this.invalid(`line ${this.lines} is no event`);
    this.events.push(event);
  }

  /** `rest` is what follows the last line break: nothing, or a line that was not written to its end. */
  end(rest: string): Recording {
    if (this.header === undefined) {
      throw this.invalid(rest === '' ? 'it is empty' : 'its first line is not that of a recording');
    }
    const last = rest === '' ? undefined : parsed(rest);
    const isWhole = isEvent(last);
    if (isWhole) this.events.push(last);
    return { ...this.header, events: this.events, truncated: rest !== '' && !isWhole };
  }

  private readHeader(line: string): Header {
    const read = parsed(line);
    if (!isObject(read) || read['recording'] !== writer) {
      throw this.invalid('its first line is not that of a recording');
    }
    if (read['version'] !== version) {
      const found = String(read['version']);
      throw this.invalid(`it has version ${found}, and this release reads version ${version}`);
    }
    const { seed, startedAt } = read;
    return { version, startedAt: String(startedAt), ...(typeof seed === 'number' ? { seed } : {}) };
  }

  private invalid(why: string): TunnelError {
    return new TunnelError('RECORDING_INVALID', `${this.path} is not a recording: ${why}`, {
      where: this.path,
    });
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isEvent(value: unknown): value is LabEvent {
  if (!isObject(value)) return false;
  const { seq, t, kind, node } = value;
  return (
    typeof seq === 'number' && typeof t === 'number' && typeof kind === 'string' && typeof node === 'string'
  );
}
