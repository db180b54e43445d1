/** Average pooling as a convolution, against its definition. */
import { describe, expect, it } from 'vitest';
import { poolDivisor, poolSums } from '../../../compiler/convolution/averagePool.ts';
import { compileSpec } from '../../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../../compiler/lowerings/program.ts';
import { simulate } from '../../../compiler/lowerings/simulate.ts';
import { runEncrypted } from '../../support/execute.ts';
import { arbitraryPool, poolByDefinition } from '../../support/convolutions.ts';
import { fc, runs } from '../../support/properties.ts';
import { randomInput } from '../../support/specs.ts';

describe('an average pool', () => {
  it('is its sums over its divisor: definition = simulated, where all windows count as many elements', () => {
    let uneven = 0;
    fc.assert(
      fc.property(arbitraryPool(), fc.nat(), (pool, seed) => {
        const spec = poolSums(pool);
        const input = randomInput(spec, seed);
        const { sums, counts } = poolByDefinition(pool, input.data);
        const plan = compileSpec(spec);
        expect([...simulate(plan, buildProgram(plan), input).data]).toEqual(sums);
        const divisor = poolDivisor(pool);
        if (divisor === null) uneven++;
        else expect(new Set(counts)).toEqual(new Set([divisor]));
      }),
      { numRuns: runs(60) },
    );
    expect(uneven).toBeGreaterThan(5);
  });

  it('and under SEAL', async () => {
    for (const [index, pool] of fc.sample(arbitraryPool(), runs(4)).entries()) {
      const spec = poolSums(pool);
      const input = randomInput(spec, index);
      const { outputs } = await runEncrypted(compileSpec(spec), [input]);
      expect([...outputs[0]!.data]).toEqual(poolByDefinition(pool, input.data).sums);
    }
  });
});
