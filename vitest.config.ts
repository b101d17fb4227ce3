import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need an engine: `npm run test:compose`.
    exclude: ['test/compose/**'],
    maxWorkers: Math.max(2, availableParallelism()),
    // A race that a busy machine loses once is shown as a retry.
    retry: 1,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // One second is too little for `expect.poll` on a machine that does other things, too.
    expect: { poll: { timeout: 10_000, interval: 10 } },
  },
});
