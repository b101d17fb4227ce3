import { readdirSync, readFileSync } from 'node:fs';
import type { MetricKit } from './metric-kit.js';

/**
 * What Go's client library tells of every process on Linux, under its names and with its help texts. Elsewhere only what
 * node knows is shown. Of the whole process, however many parts share it.
 */
export function showProcess(kit: MetricKit): void {
  const one = (read: () => number | undefined) => () => {
    const value = read();
    return value === undefined ? [] : [[[], value] as const];
  };
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    kit.asked('gauge', { name, help }, one(read));
  kit.asked(
    'counter',
    { name: 'cpu_seconds_total', help: 'Total user and system CPU time spent in seconds.' },
    one(cpuSeconds),
  );
  gauge('resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  gauge(
    'start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => performance.timeOrigin / 1000,
  );
  gauge('open_fds', 'Number of open file descriptors.', openDescriptors);
  gauge('max_fds', 'Maximum number of open file descriptors.', maxDescriptors);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function openDescriptors(): number | undefined {
  // The reading itself holds one.
  return ifLinux(() => readdirSync('/proc/self/fd').length - 1);
}

function maxDescriptors(): number | undefined {
  return ifLinux(() => {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? undefined : Number(line[1]);
  });
}

/** Undefined where there is no `/proc`. */
function ifLinux(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
