import type { ErrorCode } from '../core/errors.js';

/** Stable exit codes. `exec` passes on the exit code of the remote command. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  notReady: 3,
  expectationFailed: 4,
  faultMatchedNothing: 5,
  labUnreachable: 6,
  /** `exec` could not run the command, or lost it. Unlike the command's own codes. */
  transport: 125,
  /** The reader of stdout went away: 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'USAGE',
  'CONFIG_INVALID',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'CERT_INVALID',
  'RECORDING_INVALID',
]);

export function exitCodeFor(code: ErrorCode): number {
  if (usageCodes.has(code)) return exitCodes.usage;
  if (code === 'NOT_READY' || code === 'WAIT_TIMEOUT') return exitCodes.notReady;
  if (code === 'EXPECTATION_FAILED' || code === 'INVARIANT_BROKEN') return exitCodes.expectationFailed;
  if (code === 'LINK_NOT_FOUND') return exitCodes.faultMatchedNothing;
  if (code === 'LAB_UNREACHABLE') return exitCodes.labUnreachable;
  return exitCodes.unexpected;
}
