import { configDefaults, defineConfig } from 'vitest/config';
import { MANY_PROCESSES } from './test/manyProcesses.ts';

/**
 * Tests that need a process of their own: they count what lives in the heaps of SEAL, start threads and servers, or put
 * modules in the place of others. All the rest share two processes, which load the project once each and not once a file.
 */
const APART = [
  'test/runtime/**/*.test.ts',
  'test/seal/**/*.test.ts',
  'test/server/**/*.test.ts',
  'test/frontend/pngBombs.test.ts',
  'test/lint/search.test.ts',
];

const NOT_HERE = [...configDefaults.exclude, 'test/system/**', 'test/farm/redis/**', ...MANY_PROCESSES];

const common = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // A process per worker: each gets its own SEAL module and WASM heap, and may start worker threads itself.
  pool: 'forks',
  // Most of the time of tests that start the command line went into compiling it again.
  env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/compile` },
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'apart', include: APART, exclude: NOT_HERE } },
      {
        test: {
          ...common,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...NOT_HERE, ...APART],
          // With an end of their own (npm run test:more) properties need a hook in every file: see test/support/properties.ts.
          isolate: process.env['PROPERTY_UNTIL'] !== undefined,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['compiler/**/*.ts', 'runtime/**/*.ts', 'src/**/*.ts'],
      exclude: ['**/*.gen.ts', '**/*_pb.ts', '**/gen/**'],
    },
  },
});
