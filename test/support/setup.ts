import { afterAll, expect } from 'vitest';
import { childrenOfThis } from './children.js';
import { eventually } from './waits.js';

/** Programs of the test run itself. */
const before = childrenOfThis();
const left = (): string[] =>
  [...childrenOfThis()]
    .filter(([pid, command]) => !before.has(pid) && !isOurs(command))
    .map(([pid, command]) => `${pid} ${command}`);

/** A program that has ended has no command line any more; esbuild translates for threads, as long as this process runs. */
function isOurs(command: string): boolean {
  return command === '' || command.includes('/bin/esbuild --service');
}

// It runs behind the hooks of the file: what they do not end would take time and ports of the files behind it.
afterAll(async () => {
  try {
    await eventually(() => expect(left(), 'programs that this file leaves behind').toEqual([]), {
      withinMs: 5_000,
    });
  } catch (error) {
    for (const line of left()) kill(Number.parseInt(line, 10));
    throw error;
  }
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself meanwhile.
  }
}
