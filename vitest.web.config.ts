import { defineConfig } from 'vitest/config';

/** The page in a browser: one file after the other, as each has a lab and a browser. */
export default defineConfig({
  test: {
    include: ['test/web/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    fileParallelism: false,
    // Pictures of a lab whose time runs fast, on a machine that may rest for a second.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
