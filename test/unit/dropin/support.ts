import type { FlagOutcome } from '../../../src/dropin/command-line.js';

export const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** klog's flags with the defaults of both programs. */
export const klogDefaults = {
  v: 4,
  logtostderr: true,
  alsologtostderr: false,
  alsologtostderrthreshold: 0,
  stderrthreshold: 2,
  'legacy-stderr-threshold-behavior': true,
  'log-dir': '',
  'log-file': '',
  'log-file-max-size': 1800,
  'one-output': false,
  'skip-headers': false,
  'skip-log-headers': false,
  'add-dir-header': false,
  vmodule: '',
  'log-backtrace-at': '',
};

export function run<O>(outcome: FlagOutcome<O>) {
  if (outcome.kind === 'run') return outcome;
  throw new Error(outcome.kind === 'error' ? outcome.error.message : outcome.text);
}

export function failure<O>(outcome: FlagOutcome<O>) {
  if (outcome.kind === 'error') return outcome.error;
  throw new Error(`it is accepted: ${outcome.kind}`);
}
