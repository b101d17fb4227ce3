import { type FlagGroup, flag } from './flags/flag-row.js';

const oneStream = 'log files do not exist here';
const ownFormat = 'log lines have one fixed form';

/** Why flags that both programs accept have no effect. */
export const noEffect = {
  contentType: 'requests to the Kubernetes API are JSON',
  packets: 'queues are limited in bytes',
} as const;

const noProfiler = { ignored: 'this program has no Go profiler' };

export const profilingFlags = {
  'enable-profiling': flag('bool', false, 'Serve profiles on the admin port.', noProfiler),
  'enable-contention-profiling': flag(
    'bool',
    false,
    'Profile locks, too; needs --enable-profiling.',
    noProfiler,
  ),
} as const;

const logFlags = {
  v: flag('klogLevel', 4, 'How much is logged; higher numbers log more.', { shorthand: 'v' }),
  logtostderr: flag('klogBool', true, 'Log to standard error instead of files.', {
    ignored: 'logs always go to standard error',
  }),
  alsologtostderr: flag('klogBool', false, 'Log to standard error and to files.', { ignored: oneStream }),
  alsologtostderrthreshold: flag('klogSeverity', 0, 'Lowest severity that --alsologtostderr copies.', {
    since: 'v0.35',
    ignored: oneStream,
  }),
  stderrthreshold: flag('klogSeverity', 2, 'Lowest severity that also goes to standard error.', {
    ignored: oneStream,
  }),
  'legacy-stderr-threshold-behavior': flag(
    'klogBool',
    true,
    'Let --logtostderr override --stderrthreshold.',
    { since: 'v0.35', ignored: oneStream },
  ),
  'log-dir': flag('klogString', '', 'Folder for log files.', { ignored: oneStream }),
  'log-file': flag('klogString', '', 'One log file for all.', { ignored: oneStream }),
  'log-file-max-size': flag('klogUint', 1800, 'Largest log file in megabytes.', { ignored: oneStream }),
  'one-output': flag('klogBool', false, 'Write each line only to the file of its severity.', {
    ignored: oneStream,
  }),
  'skip-headers': flag('klogBool', false, 'Do not write the prefixes of log lines.', { ignored: ownFormat }),
  'skip-log-headers': flag('klogBool', false, 'Do not write the heads of log files.', { ignored: oneStream }),
  'add-dir-header': flag('klogBool', false, 'Put the source folder before log lines.', {
    ignored: ownFormat,
  }),
  vmodule: flag('klogModules', '', 'Verbosity by source file: pattern=N,pattern=N.', {
    ignored: 'verbosity is the same everywhere',
  }),
  'log-backtrace-at': flag('klogTrace', '', 'Log a stack trace at file.go:LINE.', {
    ignored: 'this program has no Go source lines',
  }),
} as const;

const helpFlags = {
  help: flag('bool', false, 'Print this text and end.', { shorthand: 'h' }),
  version: flag('bool', false, 'Print the version and end.'),
} as const;

/** Flags that both programs take: klog's, `--help` and `--version`. */
export const commonFlags = { ...logFlags, ...helpFlags } as const;

export const commonGroups: readonly FlagGroup[] = [
  { title: 'Logging', flags: logFlags },
  { title: 'Help', flags: helpFlags },
];
