import { afterAll, expect } from 'vitest';
import { childrenOfThis } from './children.js';
import { eventually } from './waits.js';

/** Programs of the test run itself. */
const before = childrenOfThis();
const left = (): string[] =>
  [...childrenOfThis()].filter(([pid]) => !before.has(pid)).map(([pid, command]) => `${pid} ${command}`);

// It runs behind the hooks of the file: what they do not end would take time and ports of the files behind it.
afterAll(async () => {
  try {
    await eventually(() => expect(left(), 'programs that this file leaves behind').toEqual([]), {
      withinMs: 5_000,
    });
  } catch (error) {
    for (const [pid] of childrenOfThis()) if (!before.has(pid)) kill(pid);
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
