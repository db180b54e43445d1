import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { largestTaps } from '../../compiler/accumulator/datatypeBound.ts';
import { histogramDistribution, uniformDistribution } from '../../compiler/accumulator/distribution.ts';
import { probabilityOutside, productOf, repeated } from '../support/distributions.ts';
import type { Distribution } from '../../compiler/accumulator/distribution.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import { ALL_RULES } from '../../src/lint/registry.ts';
import { cipherconv, ROOT } from '../cli/spawnCli.ts';

const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');

interface Case {
  readonly weights: string;
  readonly inputs: string;
  readonly weight: Distribution;
  readonly input: Distribution;
  readonly signed: boolean;
}

const FLAT = uniformDistribution({ lo: 0, hi: 3 });
/** Many zeros and few large values, as after ReLU. */
const SPARSE = histogramDistribution(0, [5, 3, 1, 1]);
/** A bell around zero in 2 bits. */
const BELL = histogramDistribution(-2, [1, 4, 8, 4]);

const CASES: readonly Case[] = [
  { weights: '0..3 uniform', inputs: '0..3 uniform', weight: FLAT, input: FLAT, signed: false },
  { weights: '0..3 uniform', inputs: '0..3 as 5:3:1:1', weight: FLAT, input: SPARSE, signed: false },
  {
    weights: '-2..1 uniform',
    inputs: '0..3 uniform',
    weight: uniformDistribution({ lo: -2, hi: 1 }),
    input: FLAT,
    signed: true,
  },
  { weights: '-2..1 as 1:4:8:4', inputs: '0..3 uniform', weight: BELL, input: FLAT, signed: true },
  { weights: '-2..1 as 1:4:8:4', inputs: '0..3 as 5:3:1:1', weight: BELL, input: SPARSE, signed: true },
];

function row({ weights, inputs, weight, input, signed }: Case): string {
  const product = productOf(weight, input);
  const range = { lo: product.lo, hi: product.lo + product.probabilities.length - 1 };
  const most = Number(largestTaps({ bits: 7, signed }, range, 0));
  const cells = [2, 3, 4].map((times) => {
    const p = probabilityOutside(repeated(product, times * most), datatypeRange(7, signed));
    return `2^-${Math.abs(Math.log2(p)).toFixed(1)}`;
  });
  return `| ${weights} | ${inputs} | ${signed ? 'signed' : 'unsigned'} | ${most} (never) | ${cells.join(' | ')} |`;
}

describe('docs/overflow.md', () => {
  it('has the table that is computed here', () => {
    const text = page('overflow.md').replaceAll(/ +\|/g, ' |');
    for (const one of CASES) expect(text).toContain(row(one));
  });

  it('says what P means for a picture', () => {
    const p = probabilityOutside(repeated(productOf(FLAT, FLAT), 42), datatypeRange(7, false));
    expect(page('overflow.md')).toContain(`${(100 * p).toFixed(1)}% of all outputs`);
    expect(page('overflow.md')).toContain(`${Math.round(784 * p)} of the 784 outputs`);
  });
});

describe('docs/rules', () => {
  it.each(ALL_RULES.map(({ name, level }) => [name, level]))(
    '%s has a page with its level',
    (name, level) => {
      const text = page(`rules/${name}.md`);
      expect(text.startsWith(`# ${name}\n\nDefault level: **${level}**.`)).toBe(true);
      expect(text).toContain(`--rule ${name}=off`);
      expect(page('lint.md')).toContain(`[${name}](rules/${name}.md)`);
    },
  );
});

describe('docs/lint.md', () => {
  it('shows what the command prints', () => {
    const { stdout } = cipherconv(['lint', join('examples', '3-overflow')]);
    expect(page('lint.md')).toContain(stdout.trimEnd());
  });
});
