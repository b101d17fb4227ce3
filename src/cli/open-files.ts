import { TunnelError, tooManyOpenFiles } from '../core/errors.js';

/** Start-up reads many files of programs and libraries at a time. This many open files are enough for every command. */
const neededOpenFiles = 512;

/** The error of a limit of open files that is too low, when that is the cause. Otherwise `caught`, unchanged. */
export function explainOpenFiles(caught: unknown): unknown {
  const limit = openFileLimit();
  const code = codeOf(caught) ?? '';
  // Node reports a library whose package.json it cannot open as missing.
  const hidden = code === 'ERR_MODULE_NOT_FOUND' && limit !== undefined && limit < neededOpenFiles;
  const error = hidden ? tooManyOpenFiles(caught, 'EMFILE') : tooManyOpenFiles(caught, code);
  if (error === undefined || limit === undefined || code === 'ENFILE') return error ?? caught;
  const need = limit < neededOpenFiles ? `, and ${neededOpenFiles} or more are needed to start` : '';
  const text = `the limit of this process is ${limit} open files and sockets${need}`;
  return new TunnelError(error.code, `${text}: ${error.message}`, { cause: caught });
}

function codeOf(caught: unknown): string | undefined {
  const cause = caught instanceof TunnelError && caught.cause !== undefined ? caught.cause : caught;
  return cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
}

/** The limit of `ulimit -n`. Undefined on systems without it. */
function openFileLimit(): number | undefined {
  const { userLimits } = process.report.getReport() as { userLimits?: Record<string, { soft?: unknown }> };
  const soft = userLimits?.['open_files']?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
