/** Vitest's JSON report, as far as our tools read it. */

interface VitestTest {
  status: string;
  fullName: string;
  failureMessages: string[] | null;
}

interface VitestFile {
  /** Absolute path. */
  name: string;
  status: string;
  message: string;
  assertionResults: VitestTest[];
}

export interface VitestReport {
  success: boolean;
  numPassedTests: number;
  testResults: VitestFile[];
}

/** What failed, and why, in `text`. */
export interface Failure {
  readonly path: string;
  readonly text: string;
}

/** Characters of a failure's messages that are printed. */
export const MESSAGE_LENGTH = 4000;

/** Tests that failed. A file that failed without one (it did not load, a hook threw) is one failure. */
function failuresOfFile({ name, status, message, assertionResults }: VitestFile): Failure[] {
  const tests = assertionResults.filter((test) => test.status === 'failed');
  const failures = tests.map((test) => [test.fullName, ...(test.failureMessages ?? [])].join('\n'));
  if (failures.length === 0 && status === 'failed') failures.push(message);
  return failures.map((failure) => ({ path: name, text: failure.slice(0, MESSAGE_LENGTH) }));
}

export function failuresOf(report: VitestReport): Failure[] {
  return report.testResults.flatMap(failuresOfFile);
}
