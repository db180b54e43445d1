import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/system/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A process per worker: each gets its own SEAL module and WASM heap, and may start worker threads itself.
    pool: 'forks',
    // Most of the time of tests that start the command line went into compiling it again.
    env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/compile` },
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['compiler/**/*.ts', 'runtime/**/*.ts', 'src/**/*.ts'],
      exclude: ['**/*.gen.ts', '**/*_pb.ts', '**/gen/**'],
    },
  },
});
