import type { Lab } from '../lab/lab.js';
import type { LabOptions } from '../lab/options.js';
import { startLab } from '../lab/start-lab.js';
import { LabUses } from './lab-uses.js';

/** Options of `withLab`: those of `startLab`, and how the test is watched. */
export interface WithLabOptions extends LabOptions {
  /** Aborting gives the test up: the lab stops, so that what waits for it rejects. Default: never. */
  readonly signal?: AbortSignal;
  /** Whether the lab is checked after a body that succeeded, as by `lab.checkInvariants()`. Default true. */
  readonly invariants?: boolean;
  /** Takes the report of a failure. Default: it goes to stderr. */
  readonly print?: (report: string) => void;
}

/**
 * Runs the body of a test with a lab of its own, for any test runner, and stops the lab. Resolves with what the body
 * returns. When the body fails, a report is printed (`reportOf`), and the promise rejects with the body's error. Rejects
 * with INVARIANT_BROKEN when the body succeeded and left the lab in a wrong state, with the reason of `signal`, and as `startLab`.
 */
export async function withLab<T>(options: WithLabOptions, body: (lab: Lab) => T | Promise<T>): Promise<T> {
  const { signal = new AbortController().signal, invariants = true, print = toStderr, ...own } = options;
  signal.throwIfAborted();
  const lab = await startLab(own);
  const use = new LabUses(lab).begin(signal);
  const stop = (): void => void lab.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const finish = async (failed: boolean): Promise<void> => {
    signal.removeEventListener('abort', stop);
    const { report, error } = await use.end({ failed, invariants });
    await lab.stop();
    if (report !== undefined) print(report);
    if (error !== undefined) throw error;
  };
  let result: T;
  try {
    result = await body(lab);
  } catch (error) {
    await finish(true);
    // A body that was given up fails because its lab has stopped.
    throw signal.aborted ? signal.reason : error;
  }
  await finish(false);
  return result;
}

function toStderr(report: string): void {
  process.stderr.write(`${report}\n`);
}
