import { join, relative } from 'node:path';
import { failuresOf, MESSAGE_LENGTH } from './vitest-report.ts';
import type { VitestReport } from './vitest-report.ts';

const ROOT = join(import.meta.dirname, '..');

/** The command that runs these files again with the seed of a round. */
export function again(seed: number, ...files: readonly string[]): string {
  return `again: npm run test:more -- --seed ${seed} ${files.join(' ')}`;
}

/** What a round found: which test, what failed, how to see it again. */
export function findsOf(report: VitestReport, seed: number): string[] {
  return failuresOf(report).map(({ path, text }) => {
    const file = relative(ROOT, path);
    return `${file}: ${text}\n  ${again(seed, file)}`;
  });
}

/** A line of the progress reporter. */
export interface ProgressLine {
  /** Of the test file, absolute. */
  readonly path: string;
  readonly test: string;
  /** `begun`, and later vitest's word for its end. */
  readonly state: string;
  readonly messages: readonly string[];
}

/** What a round that was killed had found by then: what failed, and what never ended. */
export function findsSoFar(
  lines: readonly ProgressLine[],
  seed: number,
): { passed: number; finds: string[] } {
  const last = new Map(lines.map((line) => [`${line.path}\n${line.test}`, line]));
  const ends = [...last.values()];
  const finds = ends
    .filter(({ state }) => state === 'begun' || state === 'failed')
    .map(({ path, test, state, messages }) => {
      const file = relative(ROOT, path);
      const text = [test, ...messages].join('\n').slice(0, MESSAGE_LENGTH);
      return `${file}: ${text}${state === 'begun' ? ': did not end' : ''}\n  ${again(seed, file)}`;
    });
  return { passed: ends.filter(({ state }) => state === 'passed').length, finds };
}
