import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { EXECUTORS } from '../../runtime/clear/executors.ts';
import type { Executor } from '../../runtime/clear/executors.ts';
import { arbitrarySpec, randomInput, specFromChoices } from '../support/specs.ts';
import { simpleSpec } from '../support/simple.ts';

const others = Object.entries<Executor>(EXECUTORS).filter(([name]) => name !== 'loops');

/** Names of the executors that differ from the loops in a shape, a value or the sign of a zero. */
function differing(spec: ConvSpec, input: Tensor): string[] {
  const expected = EXECUTORS.loops(spec, input);
  return others
    .filter(([, execute]) => {
      const { shape, data } = execute(spec, input);
      return (
        shape.join() !== expected.shape.join() ||
        data.some((value, at) => !Object.is(value, expected.data[at]))
      );
    })
    .map(([name]) => name);
}

/** Many output channels of few bits: several share a double. */
const manyOutputs = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    group: fc.integer({ min: 1, max: 2 }),
    outputsPerGroup: fc.integer({ min: 1, max: 60 }),
    inputBits: fc.integer({ min: 1, max: 10 }),
    weightBits: fc.integer({ min: 1, max: 10 }),
    signed: fc.boolean(),
    bias: fc.boolean(),
  })
  .map(({ signed, ...choices }) =>
    specFromChoices({
      ...choices,
      batch: 2,
      channelsPerGroup: 2,
      kernel: [2, 3],
      strides: [1, 2],
      dilations: [1, 1],
      pads: [1, 0, 0, 2],
      extra: [2, 3],
      inputSigned: signed,
      weightSigned: signed,
      zeroPoints: true,
      narrowRange: false,
      sparse: false,
    }),
  );

describe('the executors', () => {
  it('agree with the loops on random specs', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (spec, seed) => {
        expect(differing(spec, randomInput(spec, seed))).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  it('agree where several output channels share a double', () => {
    fc.assert(
      fc.property(manyOutputs, fc.nat(), (spec, seed) => {
        expect(differing(spec, randomInput(spec, seed))).toEqual([]);
      }),
      { numRuns: runs(200) },
    );
  });

  it.each([1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 31, 32, 33])(
    'agree at both ends of the accumulator, next to each other, for %i outputs',
    (outChannels) => {
      for (const bits of [1, 2, 4, 8, 16]) {
        const low = -(2 ** (bits - 1));
        const values = Array.from({ length: outChannels * 9 }, (_, at) =>
          Math.floor(at / 9) % 3 === 1 ? low : -low - 1,
        );
        const spec = simpleSpec({
          input: { height: 4, width: 5, bits, signed: true },
          weights: { outChannels, bits, signed: true, values },
        });
        expect(differing(spec, makeTensor([1, 1, 4, 5], new Array<number>(20).fill(low)))).toEqual([]);
      }
    },
  );

  it('give zeros for an all-zero filter and an all-zero input', () => {
    const zeros = simpleSpec({ weights: { values: new Array<number>(9).fill(0) } });
    expect(differing(zeros, randomInput(zeros, 1))).toEqual([]);
    const spec = simpleSpec();
    expect(differing(spec, makeTensor([1, 1, 28, 28], new Array<number>(784).fill(0)))).toEqual([]);
  });

  it.each(others)('%s refuses an input of another shape', (_, execute) => {
    const wrong = makeTensor([1, 1, 14, 56], new Array<number>(784).fill(0));
    expect(() => execute(simpleSpec(), wrong)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  });

  it('refuse inputs whose sums could round, and take the largest whose sums cannot', () => {
    const spec = simpleSpec({
      input: { height: 1, width: 1 },
      weights: { kernelHeight: 1, kernelWidth: 1, values: [3] },
      pads: [0, 0, 0, 0],
    });
    const largest = Math.floor((2 ** 53 - 1) / 3);
    const image = (value: number): Tensor => makeTensor([1, 1, 1, 1], [value]);
    for (const execute of [EXECUTORS.taps, EXECUTORS.im2col, EXECUTORS.unfold]) {
      expect([...execute(spec, image(largest)).data]).toEqual([3 * largest]);
      expect([...execute(spec, image(-largest)).data]).toEqual([-3 * largest]);
      expect(() => execute(spec, image(largest + 1))).toThrow(
        expect.objectContaining({ code: 'out-of-range' }),
      );
    }
  });
});
