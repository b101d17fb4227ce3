import { defineConfig } from 'vitest/config';

/** Containers: one file after the other, as all of them share the machine. */
export default defineConfig({
  test: {
    include: ['test/compose/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 900_000,
    retry: 1,
  },
});
