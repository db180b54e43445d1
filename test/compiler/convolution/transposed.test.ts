/** Transposed convolutions as convolutions of phases, against their definition. */
import { describe, expect, it } from 'vitest';
import { datatypeRange } from '../../../compiler/base/interval.ts';
import { arrangedShape, arrangementFault } from '../../../compiler/convolution/arrangement.ts';
import { outputShape } from '../../../compiler/convolution/shape.ts';
import { arrangePhases, transposedSpec } from '../../../compiler/convolution/transposed.ts';
import type { TransposedConvolution } from '../../../compiler/convolution/transposed.ts';
import { compileSpec } from '../../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../../compiler/lowerings/program.ts';
import { simulate } from '../../../compiler/lowerings/simulate.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { arbitraryTransposed, transposedByDefinition } from '../../support/convolutions.ts';
import { runEncrypted } from '../../support/execute.ts';
import { errorOf } from '../../support/simple.ts';
import { fc, runs } from '../../support/properties.ts';
import { randomInput } from '../../support/specs.ts';

/** One row of two pixels, a kernel of `values`. */
function row(values: readonly number[], stride: number, output: number): TransposedConvolution {
  return {
    name: 'row',
    input: {
      batch: 1,
      channels: 1,
      height: 1,
      width: 2,
      bits: 8,
      signed: false,
      zeroPoint: 0,
      range: datatypeRange(8, false),
    },
    weights: {
      outputsPerGroup: 1,
      kernelHeight: 1,
      kernelWidth: values.length,
      bits: 8,
      signed: true,
      zeroPoints: [0],
      values,
    },
    bias: [1],
    strides: [1, stride],
    begins: [0, 0],
    dilations: [1, 1],
    group: 1,
    output: [1, output],
    accumulator: null,
  };
}

const PIXELS = { shape: [1, 1, 1, 2], data: Float64Array.of(10, 20) };

describe('a transposed convolution', () => {
  it('by hand: stride 2, kernel 3', () => {
    const { spec, map } = transposedSpec(row([1, 2, 3], 2, 5));
    const { data } = arrangePhases(map, convolve(spec, PIXELS), spec.bias);
    expect([...data]).toEqual([1 + 10, 1 + 20, 1 + 30 + 20, 1 + 40, 1 + 60]);
    expect(spec.weights).toMatchObject({ outChannels: 2, kernelWidth: 2 });
  });

  it('by hand: stride 3, kernel 1: two of three phases see nothing and have no channel', () => {
    const { spec, map } = transposedSpec(row([2], 3, 6));
    expect([...arrangePhases(map, convolve(spec, PIXELS), spec.bias).data]).toEqual([21, 1, 1, 41, 1, 1]);
    expect(spec.weights).toMatchObject({ outChannels: 1, kernelWidth: 1 });
  });

  it('is its convolution of phases: definition = loops = simulated', () => {
    let dropped = 0;
    fc.assert(
      fc.property(arbitraryTransposed(), fc.nat(), (transposed, seed) => {
        const { spec, map } = transposedSpec(transposed);
        if ([map.rows, map.columns].some(({ phases }) => phases.includes(null))) dropped++;
        const input = randomInput(spec, seed);
        const expected = transposedByDefinition(transposed, input.data);
        const sums = convolve(spec, input);
        expect([...arrangePhases(map, sums, spec.bias).data]).toEqual(expected);
        const shape = [transposed.input.batch, transposed.bias.length, ...transposed.output];
        expect(arrangePhases(map, sums, spec.bias).shape).toEqual(shape);
        expect(arrangedShape({ kind: 'phases', map }, outputShape(spec))).toEqual(shape);
        expect(arrangementFault({ kind: 'phases', map }, outputShape(spec))).toBeNull();
        const plan = compileSpec(spec);
        expect(simulate(plan, buildProgram(plan), input)).toEqual(sums);
      }),
      { numRuns: runs(80) },
    );
    expect(dropped).toBeGreaterThan(8);
  });

  it('and under SEAL', async () => {
    for (const [index, transposed] of fc.sample(arbitraryTransposed(), runs(6)).entries()) {
      const { spec, map } = transposedSpec(transposed);
      const input = randomInput(spec, index);
      const { outputs } = await runEncrypted(compileSpec(spec), [input]);
      expect([...arrangePhases(map, outputs[0]!, spec.bias).data]).toEqual(
        transposedByDefinition(transposed, input.data),
      );
    }
  });

  it('of the largest stride and a long kernel takes no time that grows with their product', () => {
    const long = row(new Array<number>(2 ** 14).fill(0).with(0, 3), 2 ** 16, 1);
    const { spec, map } = transposedSpec({ ...long, input: { ...long.input, width: 1 } });
    expect(spec.weights).toMatchObject({ outChannels: 1, kernelWidth: 1 });
    const one = { shape: [1, 1, 1, 1], data: Float64Array.of(10) };
    expect([...arrangePhases(map, convolve(spec, one), spec.bias).data]).toEqual([31]);
  });

  it('with weights, groups or extents that do not go together is refused', () => {
    const good = row([1, 2, 3], 2, 5);
    expect(errorOf(() => transposedSpec({ ...good, group: 2 }))).toMatchObject({ code: 'shape-mismatch' });
    expect(errorOf(() => transposedSpec({ ...good, output: [1, 0] }))).toMatchObject({
      code: 'out-of-range',
    });
    expect(errorOf(() => transposedSpec({ ...good, strides: [1, 0] }))).toMatchObject({
      code: 'out-of-range',
    });
    const far = { ...good, strides: [1, 1], dilations: [1, 2 ** 16], output: [1, 5] } as const;
    const wide = { ...far, weights: { ...far.weights, outputsPerGroup: 1024, values: new Int8Array(3072) } };
    expect(errorOf(() => transposedSpec(wide))).toMatchObject({ code: 'unsupported' });
    const short = { ...good, weights: { ...good.weights, values: [1] } };
    expect(errorOf(() => transposedSpec(short))).toMatchObject({ code: 'shape-mismatch' });
  });
});
