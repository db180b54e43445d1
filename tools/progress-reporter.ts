/**
 * A reporter of vitest that writes down which test begins and how it ends, a line each: vitest's own JSON is written at
 * the end only, so a run that had to be killed leaves none.
 */
import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';
import type { ProgressLine } from './finds.ts';

/** Where the lines go: an absolute path. */
const FILE = process.env['PROGRESS_FILE'];

function write({ module, fullName }: TestCase, state: string, messages: readonly string[]): void {
  const line: ProgressLine = { path: module.moduleId, test: fullName, state, messages };
  if (FILE !== undefined) appendFileSync(FILE, `${JSON.stringify(line)}\n`);
}

export default class ProgressReporter implements Reporter {
  onTestCaseReady(test: TestCase): void {
    write(test, 'begun', []);
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    write(
      test,
      state,
      (errors ?? []).map(({ stack, message }) => stack ?? message),
    );
  }
}
