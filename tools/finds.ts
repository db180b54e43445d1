import { join, relative } from 'node:path';
import { failuresOf } from './vitest-report.ts';
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
