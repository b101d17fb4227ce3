import { readdir, readFile } from 'node:fs/promises';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** With that of its finished children. */
  readonly cpuSeconds: number;
  readonly threads: number;
}

/** What identifies the processes of one container. */
export interface Membership {
  /** Sessions in which the container's processes started. */
  readonly sessions: ReadonlySet<number>;
  /** `NAME=value` in the environment of every process that the container started. */
  readonly mark: string;
}

/** Linux reports processor time in hundredths of a second, whatever the kernel's own tick is. */
const ticksPerSecond = 100;

/** All living processes that belong to a container. Empty where the host has no `/proc`. */
export async function membersOf(membership: Membership): Promise<readonly ProcessRow[]> {
  const rows = await allProcesses();
  const own = new Map<number, ProcessRow>();
  for (const row of rows) {
    if (membership.sessions.has(row.session) || (await isMarked(row.pid, membership.mark)))
      own.set(row.pid, row);
  }
  // Children of processes that cleared their environment and began a session, as long as their parents still run.
  for (let found = true; found; ) {
    const more = rows.filter(({ pid, parent }) => !own.has(pid) && own.has(parent));
    for (const row of more) own.set(row.pid, row);
    found = more.length > 0;
  }
  return [...own.values()];
}

async function allProcesses(): Promise<readonly ProcessRow[]> {
  const names = await readdir('/proc').catch(() => []);
  const rows = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readRow));
  return rows.filter((row) => row !== undefined);
}

async function readRow(pid: string): Promise<ProcessRow | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name, in parentheses, may contain any character.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const state = fields[0];
  if (text === '' || state === 'Z' || state === 'X') return undefined;
  const ticks = field(14) + field(15) + field(16) + field(17);
  return {
    pid: Number(pid),
    parent: field(4),
    session: field(6),
    cpuSeconds: ticks / ticksPerSecond,
    threads: field(20),
  };
}

/** Memory that a process uses; 0 when it has ended. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

async function isMarked(pid: number, mark: string): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return text.split('\0').includes(mark);
}
