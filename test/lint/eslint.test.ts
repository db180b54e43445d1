import { join } from 'node:path';
import { existsSync, writeFileSync } from 'node:fs';
import json from '@eslint/json';
import { ESLint } from 'eslint';
import type { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import cipherconv from '../../src/eslint/index.ts';
import { RULE_NAMES } from '../../src/lint/finding.ts';
import { VERSION } from '../../src/version.ts';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { extended, recommended } from '../types/eslintConfig.ts';
import { config, npy } from '../frontend/fixtures.ts';

const folder = temporaryFolder();

async function check(text: string, rules: Linter.RulesRecord = {}): Promise<Linter.LintMessage[]> {
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: [
      { plugins: { json } },
      cipherconv.configs.recommended,
      { files: ['**/*.conv.json'], rules },
    ],
  });
  const [result] = await eslint.lintText(text, { filePath: join(folder, 'x.conv.json') });
  return result?.messages ?? [];
}

describe('cipherconv/eslint', () => {
  it('has the same rules as the linter, but for models, and one for what cannot be read', () => {
    const expected = RULE_NAMES.filter((name) => name !== 'unsupported-operator');
    expect(Object.keys(cipherconv.rules).sort()).toEqual(expected.toSorted());
    expect(Object.keys(cipherconv.configs.all.rules).sort()).toEqual(
      Object.keys(cipherconv.configs.recommended.rules).sort(),
    );
  });

  it('underlines the weights of the channel that overflows', async () => {
    const text = JSON.stringify(
      config({
        weights: { shape: [2, 1, 1, 1], bits: 2, values: [[[[1]]], [[[3]]]] },
        accumulator: { bits: 3 },
      }),
    );
    const [message, ...more] = await check(text);
    const column = text.indexOf('[[[3]]]') + 1;
    expect(message).toMatchObject({
      ruleId: 'cipherconv/accumulator-overflow',
      severity: 2,
      line: 1,
      column,
      endColumn: column + '[[[3]]]'.length,
      message: expect.stringContaining('Try: declare 4 unsigned bits'),
    });
    expect(more).toEqual([]);
  });

  it('works in configs that defineConfig made, as users write them, and they compile', async () => {
    const overflow = config({
      weights: { shape: [1, 1, 1, 1], bits: 2, values: [3] },
      accumulator: { bits: 3 },
    });
    for (const overrideConfig of [recommended, extended]) {
      const eslint = new ESLint({ cwd: folder, overrideConfigFile: true, overrideConfig });
      const [result] = await eslint.lintText(JSON.stringify(overflow), {
        filePath: join(folder, 'x.conv.json'),
      });
      expect(result?.messages.map(({ ruleId }) => ruleId)).toContain('cipherconv/accumulator-overflow');
    }
  });

  it('offers the width that the hint says, sign and all, and nothing else changes', async () => {
    const overflow = (accumulator: { bits: number; signed?: boolean }, weight: number): string =>
      JSON.stringify(
        config({ weights: { shape: [1, 1, 1, 1], bits: 3, signed: true, values: [weight] }, accumulator }),
        null,
        2,
      );
    const cases = [
      [overflow({ bits: 3 }, 3), '"bits": 3\n  }\n}', '"bits": 4\n  }\n}'],
      [overflow({ bits: 2 }, -3), '"bits": 2\n  }\n}', '"bits": 5, "signed": true\n  }\n}'],
      [
        overflow({ bits: 2, signed: false }, -3),
        '"bits": 2,\n    "signed": false',
        '"bits": 5,\n    "signed": true',
      ],
    ] as const;
    for (const [text, before, after] of cases) {
      expect(text).toContain(before);
      const [message] = await check(text);
      const [suggestion] = message?.suggestions ?? [];
      expect(suggestion?.desc).toMatch(/^Declare \d (un)?signed bits for the accumulator\.$/);
      const { range, text: written } = suggestion!.fix;
      const changed = text.slice(0, range[0]) + written + text.slice(range[1]);
      expect(changed).toBe(text.replace(before, after));
      expect(await check(changed)).toEqual([]);
    }
    const spare = JSON.stringify(config({ weights: { shape: [1, 1, 1, 1], bits: 7, values: [3] } }));
    const [message] = await check(spare, { 'cipherconv/unused-weight-bits': 'warn' });
    expect(message?.suggestions?.map(({ desc }) => desc)).toEqual([
      'Declare 2 unsigned bits for the weights.',
    ]);
  });

  it('leads from every rule to its page', () => {
    for (const [name, { meta }] of Object.entries(cipherconv.rules)) {
      expect(meta.docs.url).toBe(`https://unpkg.com/cipherconv@${VERSION}/docs/rules/${name}.md`);
      expect(existsSync(join(ROOT, 'docs', 'rules', `${name}.md`))).toBe(true);
    }
  });

  it('is silent on what is good, and leaves information off unless asked for', async () => {
    const text = JSON.stringify(config({ accumulator: { bits: 9 } }));
    expect(await check(text)).toEqual([]);
    expect(await check(text, { 'cipherconv/wider-than-needed': 'warn' })).toMatchObject([
      { ruleId: 'cipherconv/wider-than-needed', severity: 1 },
    ]);
    expect(await check(text, { 'cipherconv/low-headroom': ['error', { bits: 5 }] })).toMatchObject([
      { ruleId: 'cipherconv/low-headroom', severity: 2 },
    ]);
  });

  it('points at what is no filter config', async () => {
    const text = JSON.stringify({ ...config(), stride: [1, 1] });
    expect(await check(text)).toMatchObject([
      { ruleId: 'cipherconv/unreadable', column: text.indexOf('"stride"') + 1 },
    ]);
  });

  it('reports sums that are too wide for BFV', async () => {
    const text = JSON.stringify(config({ bias: [Number.MAX_SAFE_INTEGER] }));
    expect(await check(text)).toMatchObject([{ ruleId: 'cipherconv/beyond-bfv', severity: 2 }]);
  });

  it('reads weights from a file beside the config', async () => {
    const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 2), }";
    writeFileSync(join(folder, 'w.npy'), npy(header, Uint8Array.of(3, 3)));
    const weights = {
      shape: [1, 1, 1, 2] as [number, number, number, number],
      bits: 2,
      values: { npy: 'w.npy' },
    };
    const text = JSON.stringify(config({ weights, accumulator: { bits: 4 } }));
    const [message] = await check(text);
    expect(message).toMatchObject({
      ruleId: 'cipherconv/accumulator-overflow',
      column: text.indexOf('"w.npy"') + 1,
    });
  });
});
