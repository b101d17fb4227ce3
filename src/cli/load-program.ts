import { errorLines } from './terminal.js';

/** Loads a program's code. When that fails, prints the reason and ends the process with 1. */
export async function loadProgram<T>(code: () => Promise<T>): Promise<T> {
  try {
    return await code();
  } catch (caught) {
    process.stderr.write(`${errorLines(caught)}\n`);
    return process.exit(1);
  }
}
