import { defineConfig } from 'vitest/config';

/** Tests of the farm that need Debian's redis-server. Fails when there are none. */
export default defineConfig({
  test: {
    include: ['test/farm/redis/**/*.test.ts'],
    passWithNoTests: false,
    testTimeout: 300_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Each starts a Redis and workers of its own, and the machine has few cores.
    maxWorkers: 1,
    env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/compile` },
  },
});
