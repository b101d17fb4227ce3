import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // One second is too little for `expect.poll` on a machine that does other things, too.
    expect: { poll: { timeout: 10_000, interval: 10 } },
  },
});
