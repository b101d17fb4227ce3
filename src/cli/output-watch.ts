import { TunnelError } from '../core/errors.js';
import { exitCodes } from './exit-codes.js';
import { errorLines } from './terminal.js';

/** The state of stdout while a command runs. */
export interface OutputWatch {
  /** Set when stdout has failed: 141 when its reader went away, as after SIGPIPE. */
  readonly exitCode: number | undefined;
}

/** Listens for failures of stdout and stderr until the process ends. A reader that goes away is not reported. */
export function watchOutput(): OutputWatch {
  const watch: { exitCode: number | undefined } = { exitCode: undefined };
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (watch.exitCode !== undefined) return;
    watch.exitCode = brokenOutputCode(cause);
    if (cause.code === 'EPIPE') return;
    process.stderr.write(`${errorLines(TunnelError.from(cause, 'FILE_UNWRITABLE', 'stdout'))}\n`);
  });
  return watch;
}

/** The exit code of a command whose stdout failed. */
export function brokenOutputCode({ code }: NodeJS.ErrnoException): number {
  return code === 'EPIPE' ? exitCodes.brokenPipe : exitCodes.unexpected;
}
