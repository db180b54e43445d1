import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findsOf, findsSoFar } from '../../tools/finds.ts';
import type { VitestReport } from '../../tools/vitest-report.ts';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';

const folder = temporaryFolder();

const report: VitestReport = {
  success: false,
  numPassedTests: 1,
  testResults: [
    {
      name: join(ROOT, 'test', 'a.test.ts'),
      status: 'failed',
      message: '',
      assertionResults: [
        { status: 'passed', fullName: 'good', failureMessages: [] },
        { status: 'failed', fullName: 'bad property', failureMessages: ['{ seed: 7 } counterexample [3]'] },
      ],
    },
    {
      name: join(ROOT, 'test', 'b.test.ts'),
      status: 'failed',
      message: 'did not load',
      assertionResults: [],
    },
  ],
};

it('a find says which test, what failed, and how to see it again', () => {
  expect(findsOf(report, 7)).toEqual([
    'test/a.test.ts: bad property\n{ seed: 7 } counterexample [3]\n  again: npm run test:more -- --seed 7 test/a.test.ts',
    'test/b.test.ts: did not load\n  again: npm run test:more -- --seed 7 test/b.test.ts',
  ]);
});

it('a round that was killed names what failed by then, and what did not end', () => {
  const path = join(ROOT, 'test', 'a.test.ts');
  const line = (test: string, state: string, messages: readonly string[] = []) => ({
    path,
    test,
    state,
    messages,
  });
  const lines = [
    line('good', 'begun'),
    line('good', 'passed'),
    line('slow', 'begun'),
    line('bad', 'begun'),
    line('bad', 'failed', ['counterexample [3]']),
    line('late', 'skipped'),
  ];
  expect(findsSoFar(lines, 7)).toEqual({
    passed: 1,
    finds: [
      'test/a.test.ts: slow: did not end\n  again: npm run test:more -- --seed 7 test/a.test.ts',
      'test/a.test.ts: bad\ncounterexample [3]\n  again: npm run test:more -- --seed 7 test/a.test.ts',
    ],
  });
});

it('the summary of CI names every test that failed, and counts', () => {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(report));
  const summary = spawnSync(process.execPath, [join(ROOT, 'tools', 'ci-summary.ts'), file], {
    encoding: 'utf8',
  });
  const lines = summary.stdout.trimEnd().split('\n');
  expect(lines).toContain(`FAILED ${join(ROOT, 'test', 'a.test.ts')}: bad property`);
  expect(lines).toContain(`FAILED ${join(ROOT, 'test', 'b.test.ts')}: did not load`);
  expect(lines.at(-1)).toBe('1 passed, 2 failed');
  expect(summary.status).toBe(1);
});

it.each([['--minutes', '0'], ['--seed', 'x'], ['--no-such-option']])('test:more refuses %s %s', (...args) => {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'tools', 'test-more.ts'), ...args]);
  expect(status).toBe(2);
});
