import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need an engine, and a browser: `npm run test:compose`, `npm run test:web`.
    exclude: ['test/compose/**', 'test/web/**'],
    maxWorkers: Math.max(2, availableParallelism()),
    setupFiles: ['test/support/setup.ts'],
    // More than any wait within a test (`test/support/waits.ts`), as a wait says what is missing.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 30_000, interval: 10 } },
  },
});
