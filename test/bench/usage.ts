import { readFileSync } from 'node:fs';

/** The kernel counts processor time in these, whatever its own clock. */
const tickMs = 10;
const kib = 1024;

/** Processor milliseconds that the processes have used so far; undefined where there is no /proc. */
export function cpuMsOf(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + ticksOf(pid) * tickMs, 0);
  } catch {
    return undefined;
  }
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, second and in parentheses, may hold spaces. User and system time are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Resident memory; undefined where there is no /proc. */
export function rssBytesOf(pid: number): number | undefined {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? undefined : Number(line[1]) * kib;
  } catch {
    return undefined;
  }
}
