import { describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { compileToeplitz } from '../support/compile.ts';
import { hinted } from '../support/hints.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const OPTIONS = { degree: 1024, kernel: 'direct', protocol: 'hint' } as const;

describe('a pool of workers on a plan with a hint', () => {
  it.each([
    ['channels', compileToeplitz(manyChannels, OPTIONS)],
    ['tiles', compileToeplitz(simpleSpec({ input: { height: 120, width: 120 } }), OPTIONS)],
  ])('%s: gives the bytes of one thread, c0 alone', async (_, plan) => {
    const input = randomInput(plan.spec, 3);
    const { client } = await hinted(plan);
    using evaluator = await createEvaluator(plan);
    const exchange = client.begin(input);
    const expected = evaluator.evaluate(exchange.upload);
    expect(expected.reduce((sum, { length }) => sum + length, 0)).toBe(plan.bytes.response);
    for (const workers of [1, 2, 3]) {
      await using pool = await createEvaluatorPool(plan, { workers });
      expect(pool.workers).toBe(workers);
      expect(await pool.evaluate(exchange.upload)).toEqual(expected);
    }
    expect(exchange.decrypt(expected)).toEqual(convolve(plan.spec, input));
    client.dispose();
  });
});
