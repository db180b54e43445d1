import { defineConfig } from 'vitest/config';
import { MANY_PROCESSES } from './test/manyProcesses.ts';

/** Tests that need system programs (git, npm, a registry) or start many processes. Fails when there are none. */
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts', ...MANY_PROCESSES],
    passWithNoTests: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    // Most of the time of tests that start the command line went into compiling it again.
    env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/compile` },
    maxWorkers: 1,
  },
});
