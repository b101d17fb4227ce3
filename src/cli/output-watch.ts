import { TunnelError } from '../core/errors.js';
import { exitCodes } from './exit-codes.js';
import { errorLines } from './terminal.js';

/** What became of stdout while a command ran. */
export interface OutputWatch {
  /** Set once stdout has failed: 141 when its reader went away, as SIGPIPE would end us. */
  readonly exitCode: number | undefined;
}

/** Listens for failures of stdout and stderr until the process ends. A reader that goes away is no error worth a word. */
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
