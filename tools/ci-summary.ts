/**
 * Sums test reports into the closing line of .ci/run: `node tools/ci-summary.ts REPORT.json...`
 * Reports are vitest's JSON or `{ passed, failed }`. A missing or unreadable report counts as one failure.
 */
import { readFileSync } from 'node:fs';

interface Counts {
  passed: number;
  failed: number;
}

interface VitestReport {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

/** A file that failed without a failed test (it did not load, a hook threw) counts as one failure. */
function countVitest(report: VitestReport): Counts {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = report.numFailedTests + brokenFiles.length;
  return { passed: report.numPassedTests, failed: failed === 0 && !report.success ? 1 : failed };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function count(path: string): Counts {
  const report = JSON.parse(readFileSync(path, 'utf8')) as VitestReport | Counts;
  const counts = 'numPassedTests' in report ? countVitest(report) : report;
  if (!isCount(counts.passed) || !isCount(counts.failed))
    throw new Error('expected counts of passed and failed');
  if (counts.passed + counts.failed === 0) throw new Error('nothing ran');
  return counts;
}

const total: Counts = { passed: 0, failed: 0 };
for (const path of process.argv.slice(2)) {
  try {
    const { passed, failed } = count(path);
    console.log(`${path}: ${passed} passed, ${failed} failed`);
    total.passed += passed;
    total.failed += failed;
  } catch (error) {
    console.log(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    total.failed += 1;
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
