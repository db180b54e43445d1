import { expect, it } from 'vitest';
import { exitCode } from '../../src/cli/exitCode.ts';
import { lintExitCode } from '../../src/lint/finding.ts';
import type { Finding } from '../../src/lint/finding.ts';

it('is 1 only for overflow, beyond BFV and a mismatch', () => {
  expect(exitCode({ kind: 'good' })).toBe(0);
  expect(exitCode({ kind: 'mismatch' })).toBe(1);
  expect(exitCode({ kind: 'refused', code: 'overflow' })).toBe(1);
  expect(exitCode({ kind: 'refused', code: 'beyond-bfv' })).toBe(1);
  for (const code of ['malformed-json', 'unsupported', 'plan-rejected', 'usage', 'internal'] as const) {
    expect(exitCode({ kind: 'refused', code })).toBe(2);
  }
  expect(exitCode({ kind: 'usage', asked: true })).toBe(0);
  expect(exitCode({ kind: 'usage', asked: false })).toBe(2);
  expect(exitCode({ kind: 'unexpected' })).toBe(2);
  expect(exitCode({ kind: 'interrupted' })).toBe(130);
});

it('of lint counts warnings, and 2 wins', () => {
  const finding: Finding = {
    rule: 'datatype-could-overflow',
    level: 'warning',
    file: 'x',
    line: 1,
    column: 1,
    layer: null,
    message: '',
    interval: null,
    requiredBits: null,
    declaredBits: null,
    headroom: null,
    witness: null,
    hint: null,
  };
  const error: Finding = { ...finding, rule: 'accumulator-overflow', level: 'error' };
  const unreadable: Finding = { ...finding, rule: 'unreadable', level: 'error' };
  expect(lintExitCode({ findings: [], layers: [] }, 0)).toBe(0);
  expect(lintExitCode({ findings: [finding, finding], layers: [] }, 2)).toBe(0);
  expect(lintExitCode({ findings: [finding, finding], layers: [] }, 1)).toBe(1);
  expect(lintExitCode({ findings: [{ ...finding, level: 'info' }], layers: [] }, 0)).toBe(0);
  expect(lintExitCode({ findings: [error], layers: [] }, Infinity)).toBe(1);
  expect(lintExitCode({ findings: [error, unreadable], layers: [] }, Infinity)).toBe(2);
});
