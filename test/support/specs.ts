import fc from 'fast-check';
import { datatypeRange } from '../../compiler/base/interval.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/** A small deterministic generator (mulberry32), so that a spec's values follow from one seed that a failure prints. */
export function randomIntegers(seed: number): (lo: number, hi: number) => number {
  let state = seed >>> 0;
  return (lo, hi) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return lo + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (hi - lo + 1));
  };
}

/** The free choices of a random convolution; everything else follows from them and the seed. */
interface Choices {
  readonly seed: number;
  readonly batch: number;
  readonly group: number;
  readonly channelsPerGroup: number;
  readonly outputsPerGroup: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  /** Extra rows and columns beyond the smallest input that the kernel fits into. */
  readonly extra: readonly [number, number];
  readonly inputBits: number;
  readonly weightBits: number;
  readonly inputSigned: boolean;
  readonly weightSigned: boolean;
  readonly zeroPoints: boolean;
  readonly narrowRange: boolean;
  readonly bias: boolean;
  readonly sparse: boolean;
}

/** Input extent on one axis: at least 1, and such that the dilated kernel fits with its pads. */
function extent(kernel: number, dilation: number, pads: number, extra: number): number {
  return Math.max(1, dilation * (kernel - 1) + 1 - pads) + extra;
}

export function specFromChoices(choices: Choices): ConvSpec {
  const random = randomIntegers(choices.seed);
  const inputRange = datatypeRange(choices.inputBits, choices.inputSigned);
  const weightRange = datatypeRange(choices.weightBits, choices.weightSigned);
  const ends = [random(inputRange.lo, inputRange.hi), random(inputRange.lo, inputRange.hi)].sort(
    (a, b) => a - b,
  );
  const outChannels = choices.group * choices.outputsPerGroup;
  const count = outChannels * choices.channelsPerGroup * choices.kernel[0] * choices.kernel[1];
  const zeroPointOf = (range: { lo: number; hi: number }): number =>
    choices.zeroPoints ? random(range.lo, range.hi) : 0;
  const zeroPoints = Array.from({ length: outChannels }, () => zeroPointOf(weightRange));
  const perOutput = count / outChannels;
  return makeSpec({
    name: `random-${choices.seed}`,
    input: {
      batch: choices.batch,
      channels: choices.group * choices.channelsPerGroup,
      height: extent(
        choices.kernel[0],
        choices.dilations[0],
        choices.pads[0] + choices.pads[2],
        choices.extra[0],
      ),
      width: extent(
        choices.kernel[1],
        choices.dilations[1],
        choices.pads[1] + choices.pads[3],
        choices.extra[1],
      ),
      bits: choices.inputBits,
      signed: choices.inputSigned,
      zeroPoint: zeroPointOf(inputRange),
      range: choices.narrowRange ? { lo: ends[0]!, hi: ends[1]! } : inputRange,
    },
    weights: {
      outChannels,
      channelsPerGroup: choices.channelsPerGroup,
      kernelHeight: choices.kernel[0],
      kernelWidth: choices.kernel[1],
      bits: choices.weightBits,
      signed: choices.weightSigned,
      zeroPoints,
      values: Array.from({ length: count }, (_, index) =>
        choices.sparse && random(0, 3) > 0
          ? zeroPoints[Math.floor(index / perOutput)]!
          : random(weightRange.lo, weightRange.hi),
      ),
    },
    bias: Array.from({ length: outChannels }, () => (choices.bias ? random(-(2 ** 31), 2 ** 31) : 0)),
    strides: choices.strides,
    pads: choices.pads,
    dilations: choices.dilations,
    group: choices.group,
    accumulator: null,
  });
}

const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });
const from0 = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: largest });

/** Random convolutions over the whole config space; `extra` bounds how much larger than the kernel an image may be. */
export function arbitrarySpec(extra = 9): fc.Arbitrary<ConvSpec> {
  return fc
    .record({
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
      batch: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(3) }),
      group: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(4) }),
      channelsPerGroup: upTo(3),
      outputsPerGroup: upTo(3),
      kernel: fc.tuple(upTo(4), upTo(4)),
      strides: fc.tuple(upTo(3), upTo(3)),
      dilations: fc.tuple(upTo(3), upTo(3)),
      pads: fc.tuple(from0(3), from0(3), from0(3), from0(3)),
      extra: fc.tuple(from0(extra), from0(extra)),
      inputBits: fc.oneof(upTo(4), upTo(16)),
      weightBits: fc.oneof(upTo(4), upTo(16)),
      inputSigned: fc.boolean(),
      weightSigned: fc.boolean(),
      zeroPoints: fc.boolean(),
      narrowRange: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      bias: fc.boolean(),
      sparse: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    })
    .map(specFromChoices);
}

/** A random input for a spec, both ends of its range included now and then. NCHW. */
export function randomInput(spec: ConvSpec, seed: number): Tensor {
  const random = randomIntegers(seed);
  const { batch, channels, height, width, range } = spec.input;
  const data = Float64Array.from({ length: batch * channels * height * width }, () => {
    const kind = random(0, 9);
    if (kind === 0) return range.lo;
    if (kind === 1) return range.hi;
    return random(range.lo, range.hi);
  });
  return { shape: [batch, channels, height, width], data };
}
