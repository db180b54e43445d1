/**
 * Convolutions that become plane convolutions, at random, and what they are by their definitions: plain loops over whole
 * tensors that take nothing but types from the compiler.
 */
import { fc } from './properties.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import type { AveragePool } from '../../compiler/convolution/averagePool.ts';
import type { InputSpec } from '../../compiler/convolution/shape.ts';
import type { TransposedConvolution } from '../../compiler/convolution/transposed.ts';
import type { VolumeConvolution } from '../../compiler/convolution/volume.ts';
import { randomIntegers } from './specs.ts';

const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });
const from0 = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: largest });

const common = {
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  batch: upTo(2),
  group: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(3) }),
  channelsPerGroup: upTo(3),
  outputsPerGroup: upTo(3),
  bits: upTo(8),
  signed: fc.boolean(),
  zeroPoints: fc.boolean(),
};

interface Common {
  readonly seed: number;
  readonly batch: number;
  readonly group: number;
  readonly channelsPerGroup: number;
  readonly outputsPerGroup: number;
  readonly bits: number;
  readonly signed: boolean;
  readonly zeroPoints: boolean;
}

/** What random convolutions share: values of input type, weights, zero points and biases. */
function parts(choices: Common, extents: { readonly height: number; readonly width: number }, taps: number) {
  const { batch, group, channelsPerGroup, outputsPerGroup, bits, signed } = choices;
  const random = randomIntegers(choices.seed);
  const range = datatypeRange(bits, signed);
  const zeroPoint = (): number => (choices.zeroPoints ? random(range.lo, range.hi) : 0);
  const outputs = group * outputsPerGroup;
  const input: InputSpec = {
    batch,
    channels: group * channelsPerGroup,
    ...extents,
    bits,
    signed,
    zeroPoint: zeroPoint(),
    range,
  };
  return {
    input,
    outputs,
    zeroPoints: Array.from({ length: outputs }, zeroPoint),
    values: Array.from({ length: outputs * channelsPerGroup * taps }, () => random(range.lo, range.hi)),
    bias: Array.from({ length: outputs }, () => random(-1000, 1000)),
  };
}

/** Convolutions over three axes. */
export function arbitraryVolume(): fc.Arbitrary<VolumeConvolution> {
  return fc
    .record({
      ...common,
      kernel: fc.tuple(upTo(3), upTo(3), upTo(3)),
      strides: fc.tuple(upTo(3), upTo(2), upTo(2)),
      dilations: fc.tuple(upTo(2), upTo(2), upTo(2)),
      pads: fc.tuple(from0(2), from0(2), from0(2), from0(2), from0(2), from0(2)),
      extra: fc.tuple(from0(4), from0(4), from0(4)),
    })
    .map(({ kernel, strides, dilations, pads, extra, ...choices }): VolumeConvolution => {
      const [depth, height, width] = ([0, 1, 2] as const).map((axis) => {
        const least = dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis] - pads[axis + 3]!;
        return Math.max(1, least) + extra[axis];
      }) as [number, number, number];
      const made = parts(choices, { height, width }, kernel[0] * kernel[1] * kernel[2]);
      return {
        name: `volume-${choices.seed}`,
        input: { ...made.input, depth },
        weights: {
          outChannels: made.outputs,
          channelsPerGroup: choices.channelsPerGroup,
          kernelDepth: kernel[0],
          kernelHeight: kernel[1],
          kernelWidth: kernel[2],
          bits: choices.bits,
          signed: choices.signed,
          zeroPoints: made.zeroPoints,
          values: made.values,
        },
        bias: made.bias,
        strides,
        pads,
        dilations,
        group: choices.group,
        accumulator: null,
      };
    });
}

/** Transposed convolutions; strides may exceed kernels, and the crop what the kernel adds. */
export function arbitraryTransposed(): fc.Arbitrary<TransposedConvolution> {
  return fc
    .record({
      ...common,
      extents: fc.tuple(upTo(6), upTo(6)),
      kernel: fc.tuple(upTo(4), upTo(4)),
      strides: fc.tuple(upTo(4), upTo(4)),
      dilations: fc.tuple(upTo(3), upTo(3)),
      begins: fc.tuple(from0(4), from0(4)),
      ends: fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })),
    })
    .map(({ extents, kernel, strides, dilations, begins, ends, ...choices }): TransposedConvolution => {
      const made = parts(choices, { height: extents[0], width: extents[1] }, kernel[0] * kernel[1]);
      const full = ([0, 1] as const).map(
        (axis) => strides[axis] * (extents[axis] - 1) + dilations[axis] * (kernel[axis] - 1) + 1,
      );
      return {
        name: `transposed-${choices.seed}`,
        input: made.input,
        weights: {
          outputsPerGroup: choices.outputsPerGroup,
          kernelHeight: kernel[0],
          kernelWidth: kernel[1],
          bits: choices.bits,
          signed: choices.signed,
          zeroPoints: made.zeroPoints,
          values: made.values,
        },
        bias: made.bias,
        strides,
        begins,
        dilations,
        group: choices.group,
        output: [Math.max(1, full[0]! - begins[0] - ends[0]), Math.max(1, full[1]! - begins[1] - ends[1])],
        accumulator: null,
      };
    });
}

/** Flat NCDHW: every output looks at every input element and asks which tap it is. */
export function volumeByDefinition(volume: VolumeConvolution, x: ArrayLike<number>): number[] {
  const { input, weights, strides, pads, dilations, group } = volume;
  const extents = [input.depth, input.height, input.width] as const;
  const kernel = [weights.kernelDepth, weights.kernelHeight, weights.kernelWidth] as const;
  const [slices, rows, columns] = ([0, 1, 2] as const).map((axis) => {
    let count = 0;
    const reach = (kernel[axis] - 1) * dilations[axis];
    while (count * strides[axis] + reach < pads[axis] + extents[axis] + pads[axis + 3]!) count++;
    return count;
  }) as [number, number, number];
  const tapAt = (axis: 0 | 1 | 2, place: number, at: number): number => {
    const distance = at + pads[axis] - place * strides[axis];
    const tap = distance / dilations[axis];
    return Number.isInteger(tap) && tap >= 0 && tap < kernel[axis] ? tap : -1;
  };
  const outputsPerGroup = weights.outChannels / group;
  const outputs: number[] = [];
  for (let n = 0; n < input.batch; n++)
    for (let o = 0; o < weights.outChannels; o++)
      for (let z = 0; z < slices; z++)
        for (let y = 0; y < rows; y++)
          for (let w = 0; w < columns; w++) {
            let sum = volume.bias[o]!;
            let element = n * input.channels * input.depth * input.height * input.width;
            for (let c = 0; c < input.channels; c++)
              for (let d = 0; d < input.depth; d++)
                for (let h = 0; h < input.height; h++)
                  for (let v = 0; v < input.width; v++, element++) {
                    if (Math.floor(c / weights.channelsPerGroup) !== Math.floor(o / outputsPerGroup))
                      continue;
                    const taps = [tapAt(0, z, d), tapAt(1, y, h), tapAt(2, w, v)] as const;
                    if (taps.includes(-1)) continue;
                    let index = o * weights.channelsPerGroup + (c % weights.channelsPerGroup);
                    taps.forEach((tap, axis) => (index = index * kernel[axis]! + tap));
                    sum +=
                      (x[element]! - input.zeroPoint) * (weights.values[index]! - weights.zeroPoints[o]!);
                  }
            outputs.push(sum + 0);
          }
  return outputs;
}

/** Flat NCHW: every input element adds its products where they fall. */
export function transposedByDefinition(transposed: TransposedConvolution, x: ArrayLike<number>): number[] {
  const { input, weights, strides, begins, dilations, group, output, bias } = transposed;
  const outputs = group * weights.outputsPerGroup;
  const [height, width] = output;
  const data: number[] = [];
  for (let n = 0; n < input.batch; n++)
    for (let o = 0; o < outputs; o++) for (let cell = 0; cell < height * width; cell++) data.push(bias[o]!);
  let element = 0;
  for (let n = 0; n < input.batch; n++)
    for (let c = 0; c < input.channels; c++)
      for (let i = 0; i < input.height; i++)
        for (let j = 0; j < input.width; j++, element++) {
          const value = x[element]! - input.zeroPoint;
          const ofGroup = Math.floor((c * group) / input.channels);
          let weight = c * weights.outputsPerGroup * weights.kernelHeight * weights.kernelWidth;
          for (let k = 0; k < weights.outputsPerGroup; k++)
            for (let a = 0; a < weights.kernelHeight; a++)
              for (let e = 0; e < weights.kernelWidth; e++, weight++) {
                const o = ofGroup * weights.outputsPerGroup + k;
                const y = i * strides[0] + a * dilations[0] - begins[0];
                const z = j * strides[1] + e * dilations[1] - begins[1];
                if (y < 0 || y >= height || z < 0 || z >= width) continue;
                data[((n * outputs + o) * height + y) * width + z]! +=
                  value * (weights.values[weight]! - weights.zeroPoints[o]!);
              }
        }
  return data.map((value) => value + 0);
}

/** Average pools whose windows all touch the image. */
export function arbitraryPool(): fc.Arbitrary<AveragePool> {
  return fc
    .record({
      ...common,
      kernel: fc.tuple(upTo(4), upTo(4)),
      strides: fc.tuple(upTo(3), upTo(3)),
      dilations: fc.tuple(upTo(2), upTo(2)),
      pads: fc.tuple(from0(2), from0(2), from0(2), from0(2)),
      extra: fc.tuple(from0(5), from0(5)),
      countsPads: fc.boolean(),
    })
    .map(({ kernel, strides, dilations, pads, extra, countsPads, ...choices }): AveragePool => {
      const [height, width] = ([0, 1] as const).map(
        (axis) => dilations[axis] * (kernel[axis] - 1) + 1 + extra[axis],
      ) as [number, number];
      const narrow = pads.map((pad, side) => Math.min(pad, kernel[side % 2]! - 1));
      return {
        name: `pool-${choices.seed}`,
        input: parts(choices, { height, width }, 1).input,
        kernel,
        strides,
        pads: narrow as unknown as AveragePool['pads'],
        dilations,
        countsPads,
        accumulator: null,
      };
    });
}

/** Flat NCHW: the sum of each window, and how many elements count in it. */
export function poolByDefinition(
  { input, kernel, strides, pads, dilations, countsPads }: AveragePool,
  x: ArrayLike<number>,
): { readonly sums: number[]; readonly counts: number[] } {
  const [sums, counts]: [number[], number[]] = [[], []];
  for (let plane = 0; plane < input.batch * input.channels; plane++) {
    for (
      let top = -pads[0];
      top + (kernel[0] - 1) * dilations[0] < input.height + pads[2];
      top += strides[0]
    ) {
      for (
        let left = -pads[1];
        left + (kernel[1] - 1) * dilations[1] < input.width + pads[3];
        left += strides[1]
      ) {
        let [sum, count] = [0, 0];
        for (let y = top; y < top + kernel[0] * dilations[0]; y += dilations[0])
          for (let z = left; z < left + kernel[1] * dilations[1]; z += dilations[1]) {
            const isInside = y >= 0 && y < input.height && z >= 0 && z < input.width;
            if (isInside) sum += x[(plane * input.height + y) * input.width + z]! - input.zeroPoint;
            if (isInside || countsPads) count++;
          }
        sums.push(sum + 0);
        counts.push(count);
      }
    }
  }
  return { sums, counts };
}
