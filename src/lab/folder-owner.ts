import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** The process that a folder belongs to, as a file in it says. */
export interface FolderOwner {
  readonly pid: number;
  /** When it started, as the system reports it. A process ID may be used again later, this value may not. */
  readonly started: string;
  /** The PID namespace of its process ID: containers have their own. */
  readonly space: string;
}

/** This process as text, one line for each field. */
export function ownerText(): string {
  return `${process.pid}\n${startOf(process.pid) ?? ''}\n${ownSpace()}\n`;
}

/** Undefined for a text without a process ID. The other fields may be missing. */
export function parseOwner(text: string): FolderOwner | undefined {
  const [pid = '', started = '', space = ''] = text.split('\n');
  return /^[1-9]\d{0,9}$/.test(pid) ? { pid: Number(pid), started, space } : undefined;
}

/** True when this process is alive, and not a later one with the same ID. In doubt it is true. */
export function isAlive({ pid, started }: FolderOwner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === '' || started === (startOf(pid) ?? started);
}

/** True when the owner's process ID belongs to the PID namespace of this process. */
export function isOfOurSpace({ space }: FolderOwner): boolean {
  return space === ownSpace();
}

let ownStart: string | undefined;

/** The start time of a process. Undefined when the system does not report it. */
function startOf(pid: number): string | undefined {
  if (pid !== process.pid) return readStart(pid);
  ownStart ??= readStart(pid);
  return ownStart;
}

function readStart(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // Field 22. The second field, the name, may contain spaces and parentheses.
    const line = readOr(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return line?.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  }
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });
  const text = (stdout ?? '').trim();
  return text === '' ? undefined : text;
}

function ownSpace(): string {
  return readOr(() => readlinkSync('/proc/self/ns/pid')) ?? '';
}

function readOr(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
