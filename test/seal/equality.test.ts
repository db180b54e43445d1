import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { runEncrypted } from '../support/execute.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

describe('three-way equality: naive = simulated = encrypted', () => {
  const gaps: number[] = [];

  it('on random convolutions, measured budget never below the predicted one', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(12), fc.nat(), async (spec, seed) => {
        const plan = compileSpec(spec);
        const input = randomInput(spec, seed);
        const expected = convolve(spec, input);
        expect(simulate(plan, buildProgram(plan), input)).toEqual(expected);
        const { outputs, measuredBudgetBits } = await runEncrypted(plan, [input]);
        expect(outputs).toEqual([expected]);
        expect(measuredBudgetBits).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
        gaps.push(measuredBudgetBits - plan.noise.predictedBudgetBits);
      }),
      { numRuns: runs(80) },
    );
    expect(liveSealObjects()).toBe(0);
  });

  it('with a bound that is not absurdly loose: the median gap is at most 8 bits', () => {
    gaps.sort((left, right) => left - right);
    expect(gaps.length).toBeGreaterThanOrEqual(runs(80));
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThanOrEqual(8);
  });

  it.each(['L1', 'L2', 'L3', 'L6'])('on benchmark layer %s', async (id) => {
    const spec = layerSpec(LAYERS.find((layer) => layer.id === id)!);
    const plan = compileSpec(spec);
    const input = randomInput(spec, 7);
    expect((await runEncrypted(plan, [input])).outputs).toEqual([convolve(spec, input)]);
  });

  it('with several data primes, of which none is special', async () => {
    // 16 x 16 bits over 4096 taps: t has 45 bits, q more than 60.
    const taps = 4096;
    const spec = simpleSpec({
      input: { channels: taps, height: 2, width: 2, bits: 16 },
      weights: {
        kernelHeight: 1,
        kernelWidth: 1,
        channelsPerGroup: taps,
        bits: 16,
        values: Array.from({ length: taps }, (_, index) => 65535 - index),
      },
      pads: [0, 0, 0, 0],
    });
    const plan = compileSpec(spec);
    expect(plan.parameters.dataPrimes.length).toBeGreaterThan(1);
    expect(plan.parameters.specialPrime).toBeNull();
    const input = randomInput(spec, 3);
    expect((await runEncrypted(plan, [input])).outputs).toEqual([convolve(spec, input)]);
  });

  it('when all weights are zero: nothing is sent, the result is the bias', async () => {
    const spec = simpleSpec({ weights: { values: new Array<number>(9).fill(0) }, bias: [-5] });
    const plan = compileSpec(spec);
    expect(plan.counts).toMatchObject({ inputCiphertexts: 0, outputCiphertexts: 0, products: 0 });
    const { outputs } = await runEncrypted(plan, [randomInput(spec, 1)]);
    expect(new Set(outputs[0]!.data)).toEqual(new Set([-5]));
  });
});
