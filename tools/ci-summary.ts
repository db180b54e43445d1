/**
 * Sums test reports into the closing line of .ci/run: `node tools/ci-summary.ts REPORT.json...`
 * Reports are vitest's JSON or `{ passed, failed }`. A missing or unreadable report counts as one failure.
 * Names every test that failed, with its messages: they stand thousands of lines further up otherwise.
 */
import { readFileSync } from 'node:fs';
import { failuresOf } from './vitest-report.ts';
import type { VitestReport } from './vitest-report.ts';

interface Counts {
  passed: number;
  failed: number;
}

/** Prints the failures, and counts. */
function countVitest(report: VitestReport): Counts {
  const failures = failuresOf(report);
  failures.forEach(({ path, text }) => {
    console.log(`FAILED ${path}: ${text}`);
  });
  const failed = Math.max(failures.length, report.success ? 0 : 1);
  return { passed: report.numPassedTests, failed };
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
