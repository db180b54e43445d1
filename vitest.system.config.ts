import { defineConfig } from 'vitest/config';

/** Tests that need system programs (git, npm, a registry). Fails when there are none. */
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts'],
    passWithNoTests: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
