/**
 * Property tests: one place for their seeds and counts. Every test file takes `fc` from here.
 *
 * `npm test` runs them with one fixed seed and small counts, so that it says the same every time. `npm run test:more`
 * sets PROPERTY_SEED to a fresh seed, PROPERTY_FACTOR to a factor on every count, and PROPERTY_UNTIL to its end.
 */
import fc from 'fast-check';
import type { PluginInstance } from 'fast-check';
import { beforeEach } from 'vitest';
import type { TestContext } from 'vitest';

const FIXED_SEED = 20_261_128;

/** A whole number from the environment. A typing error must not quietly run something else. */
function wholeNumber(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined) return otherwise;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} must be a whole number, and is ${text}`);
  return Number(text);
}

/** The seed of every random choice that a test makes. */
export const SEED = wholeNumber('PROPERTY_SEED', FIXED_SEED);

const FACTOR = wholeNumber('PROPERTY_FACTOR', 1);

/** Milliseconds since 1970, after which no further test begins. Only `npm run test:more` has such an end. */
const UNTIL = wholeNumber('PROPERTY_UNTIL', Number.MAX_SAFE_INTEGER);

const TIME_IS_UP = 'the time of npm run test:more is up';

/** How often a property is tried, of the count that `npm test` tries. */
export function runs(count: number): number {
  return count * FACTOR;
}

/** The test that is running, which a property without time leaves. */
let running: TestContext | null = null;

/** Ends a property between two runs when the time is up: what it counted is not what its test asks for, so the test is skipped. */
function endInTime<Values>(): PluginInstance<Values> {
  let cut = false;
  return {
    decorateRun: (run) => (value) => {
      if (Date.now() <= UNTIL) return run(value);
      cut = true;
      return new fc.PreconditionFailure(true);
    },
    onAllRunsComplete: ({ failed }) => {
      if (cut && !failed) running?.skip(TIME_IS_UP);
    },
  };
}

const hasEnd = UNTIL !== Number.MAX_SAFE_INTEGER;

// fast-check's seeds are 32-bit integers; what a test leaves out is what it says here.
fc.configureGlobal({ seed: SEED | 0, numRuns: runs(100) });

if (hasEnd) {
  fc.installGlobalPlugin(endInTime);
  beforeEach((context) => {
    running = context;
    context.skip(Date.now() > UNTIL, TIME_IS_UP);
  });
}

export { fc };
