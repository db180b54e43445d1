/** Outside vectors: both kernels give the response bytes that SEAL's evaluator gives, whichever of them the plan was made for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseVector } from '../../bench/vectorFile.ts';
import { run } from '../../src/run.ts';
import { runAll, withDirect } from '../support/kernels.ts';
import { compileToeplitz } from '../support/compile.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = resolve(root, process.env['DATA_DIR'] ?? '../shared/data', 'vectors');
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('both kernels, bit for bit, on outside vectors', () => {
  it('finds them', () => {
    expect(names.length).toBeGreaterThanOrEqual(47);
  });

  it.each(names)('%s', async (name) => {
    const { spec, input, expected } = parseVector(readFileSync(join(folder, name), 'utf8'), name);
    const plans = [
      withDirect(compileToeplitz(spec, { kernel: 'ntt' })),
      compileToeplitz(spec, { kernel: 'direct' }),
    ];
    for (const plan of plans) {
      const { seal, ntt, direct, output } = await runAll(plan, input);
      expect(direct.length).toBe(plan.counts.outputCiphertexts);
      expect(Buffer.compare(Buffer.concat(direct), Buffer.concat(seal))).toBe(0);
      expect(Buffer.compare(Buffer.concat(ntt), Buffer.concat(seal))).toBe(0);
      expect([...output.data]).toEqual([...expected.data]);
    }
  });
});

describe('with hints, the words are those that SEAL computes from (c0, a), and so is the hint, on outside vectors', () => {
  it.each(names)('%s', async (name) => {
    const { spec, input, expected } = parseVector(readFileSync(join(folder, name), 'utf8'), name);
    const { report, output } = await run(compileToeplitz(spec, { protocol: 'hint' }), input);
    expect(report.match).toBe(true);
    expect(report.seal).toEqual({ decryptsEqual: true, wordsEqual: true });
    expect([...output.data]).toEqual([...expected.data]);
  });
});
