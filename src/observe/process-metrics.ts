import { readdirSync, readFileSync } from 'node:fs';
import type { MetricKit } from './metric-kit.js';

/**
 * The metrics that Go's client library shows for every process on Linux, with its names and help texts. Other systems
 * only show the values that Node knows. The values are of the whole process, for all its parts.
 */
export function showProcess(kit: MetricKit): void {
  const one = (read: () => number | undefined) => () => {
    const value = read();
    return value === undefined ? [] : [[[], value] as const];
  };
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    kit.scraped('gauge', { name, help }, one(read));
  kit.scraped(
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
  // Reading the folder opens one file itself.
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
