/**
 * Tests that start the program dozens of times, which is most of what they take: they run with the system tests
 * (`npm run test:system`), so that `npm test` stays short.
 */
export const MANY_PROCESSES: readonly string[] = [
  'test/cli/accumulatorBits.test.ts',
  'test/cli/foreignText.test.ts',
  'test/cli/hints.test.ts',
  'test/cli/infer.test.ts',
  'test/cli/init.test.ts',
  'test/cli/interrupt.test.ts',
  'test/cli/keys.test.ts',
  'test/cli/lowering.test.ts',
  'test/cli/networks.test.ts',
  'test/cli/oneTimeKeys.test.ts',
  'test/cli/overwrite.test.ts',
  'test/cli/pictures.test.ts',
  'test/cli/streams.test.ts',
  'test/cli/tflite.test.ts',
  'test/docs/generatedPages.test.ts',
  'test/server/attacks.test.ts',
  'test/server/serveCommand.test.ts',
];
