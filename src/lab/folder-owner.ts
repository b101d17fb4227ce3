import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** The process that a folder belongs to, as a file in it says. */
export interface FolderOwner {
  readonly pid: number;
  /** When it began, in the words of the system: a process ID may be used again, this may not. */
  readonly started: string;
  /** Where its process ID counts: containers have IDs of their own. */
  readonly space: string;
}

/** This process, a line for each part. */
export function ownerText(): string {
  return `${process.pid}\n${startOf(process.pid) ?? ''}\n${ownSpace()}\n`;
}

/** Undefined for a text that names no process. Only the process ID must be there. */
export function parseOwner(text: string): FolderOwner | undefined {
  const [pid = '', started = '', space = ''] = text.split('\n');
  return /^[1-9]\d{0,9}$/.test(pid) ? { pid: Number(pid), started, space } : undefined;
}

/** Whether this very process lives, and not another one of the same ID. In doubt it does. */
export function isAlive({ pid, started }: FolderOwner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === '' || started === (startOf(pid) ?? started);
}

/** Whether the owner's process ID means here what it meant there. */
export function isOfOurSpace({ space }: FolderOwner): boolean {
  return space === ownSpace();
}

/** Undefined when the system does not tell. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // Field 22; the second one, the name, may hold spaces and parentheses.
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
