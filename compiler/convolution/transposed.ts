import { CipherconvError } from '../base/errors.ts';
import type { Width } from '../base/interval.ts';
import type { Tensor } from '../base/tensor.ts';
import { MAX_ELEMENTS } from './checkShape.ts';
import { makeSpec } from './spec.ts';
import type { InputSpec } from './shape.ts';
import type { ConvSpec } from './spec.ts';

/**
 * Transposed convolutions (ONNX ConvTranspose, "deconvolution"), phase by phase.
 *
 * By its definition input element i adds x[i] w[a] to output i * stride + a * dilation - pad, on each axis. Seen from
 * output y: write y + pad = stride * q + r with 0 <= r < stride. Tap a counts if a * dilation = stride * m + r for some m,
 * and it reads x[q - m]. So the outputs of one remainder r, a phase, are an ordinary convolution of stride 1 over the
 * input as it is, with the kernel turned around: no zeros are put between the input elements, encrypted or multiplied.
 *
 * The phases of both axes become output channels of one convolution, which `arrangePhases` puts back where they belong.
 * All have the kernel of the largest: reach + 1, where reach is the largest m; taps that a phase lacks are weight zero
 * points. A phase without any tap (stride larger than the kernel) gets no channel: its outputs are the bias.
 */
export interface TransposedConvolution {
  readonly name: string;
  readonly input: InputSpec;
  readonly weights: TransposedWeights;
  /** One per output channel. */
  readonly bias: readonly number[];
  /** [vertical, horizontal] */
  readonly strides: readonly [number, number];
  /** What is cut off the output's top and left side. */
  readonly begins: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly group: number;
  /** Extents of the output: [height, width]. */
  readonly output: readonly [number, number];
  readonly accumulator: Width | null;
}

interface TransposedWeights extends Width {
  /** Output channels of one group. */
  readonly outputsPerGroup: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** One per output channel of all groups. */
  readonly zeroPoints: readonly number[];
  /** Raw values, flat IOHW: index ((inputChannel * outputsPerGroup + output) * kernelHeight + a) * kernelWidth + e. */
  readonly values: ArrayLike<number>;
}

/** Where the outputs of a transposed convolution lie among the accumulators of its phases. */
export interface PhaseMap {
  /** The vertical axis. */
  readonly rows: PhaseAxis;
  /** The horizontal axis. */
  readonly columns: PhaseAxis;
}

/** Output y stands at q = floor((y + offset) / stride) of the phase of the remainder. */
export interface PhaseAxis {
  /** Extent of the output. */
  readonly size: number;
  /** Added to an output position before it is divided by the stride, in output positions. */
  readonly offset: number;
  /** By remainder, so as many as the stride: position among those that have channels; null for a phase without taps. */
  readonly phases: readonly (number | null)[];
}

/** One axis, worked out. */
interface AxisPlan {
  readonly axis: PhaseAxis;
  /** Taps of each phase that has channels. */
  readonly taps: readonly (readonly Tap[])[];
  readonly reach: number;
  readonly padBegin: number;
  readonly padEnd: number;
}

interface Tap {
  readonly tap: number;
  /** m: how far before q it reads. */
  readonly shift: number;
}

interface AxisRequest {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly output: number;
}

function planAxis({ input, kernel, stride, dilation, begin, output }: AxisRequest): AxisPlan {
  const tapsOf = Array.from({ length: stride }, (): Tap[] => []);
  for (let tap = 0; tap < kernel; tap++) {
    const at = tap * dilation;
    tapsOf[at % stride]!.push({ tap, shift: Math.floor(at / stride) });
  }
  const wanted = new Set<number>();
  for (let y = 0; y < Math.min(output, stride); y++) wanted.add((y + begin) % stride);
  const remainders = [...wanted].sort((left, right) => left - right);
  const live = remainders.filter((remainder) => tapsOf[remainder]!.length > 0);
  // A convolution has at least one channel: where nothing reads the input, the first phase stays, without taps.
  const kept = live.length > 0 ? live : remainders.slice(0, 1);
  const taps = kept.map((remainder) => tapsOf[remainder]!);
  const reach = taps.flat().reduce((largest, { shift }) => Math.max(largest, shift), 0);
  // Pads cannot be negative: rows before the first one that is wanted are computed and left.
  const first = Math.min(Math.floor(begin / stride), reach);
  const last = Math.floor((output - 1 + begin) / stride);
  const phases = new Array<number | null>(stride).fill(null);
  kept.forEach((remainder, index) => (phases[remainder] = index));
  return {
    axis: { size: output, offset: begin - stride * first, phases },
    taps,
    reach,
    padBegin: reach - first,
    padEnd: Math.max(0, last + 1 - input),
  };
}

/**
 * The convolution of all phases, and where its accumulators belong.
 * @throws CipherconvError as `makeSpec` does; `out-of-range` for strides, dilations, crops or an output that are none;
 * `unsupported` when the filter of all phases would have more than 2^26 weights (a large dilation, say).
 */
export function transposedSpec(transposed: TransposedConvolution): {
  readonly spec: ConvSpec;
  readonly map: PhaseMap;
} {
  const { name, input, weights, strides, begins, dilations, group, output, accumulator } = transposed;
  requireCounts('strides', strides, 1);
  requireCounts('dilations', dilations, 1);
  requireCounts('begins', begins, 0);
  requireCounts('output', output, 1);
  requireFilter(transposed);
  const [rows, columns] = ([0, 1] as const).map((axis) =>
    planAxis({
      input: axis === 0 ? input.height : input.width,
      kernel: axis === 0 ? weights.kernelHeight : weights.kernelWidth,
      stride: strides[axis],
      dilation: dilations[axis],
      begin: begins[axis],
      output: output[axis],
    }),
  ) as [AxisPlan, AxisPlan];
  const phaseCount = rows.taps.length * columns.taps.length;
  requireSize(transposed, phaseCount, [rows.reach + 1, columns.reach + 1]);
  const forEachPhase = (list: readonly number[]): number[] =>
    list.flatMap((value) => new Array<number>(phaseCount).fill(value));
  const spec = makeSpec({
    name,
    input,
    weights: {
      outChannels: weights.outputsPerGroup * group * phaseCount,
      channelsPerGroup: input.channels / group,
      kernelHeight: rows.reach + 1,
      kernelWidth: columns.reach + 1,
      bits: weights.bits,
      signed: weights.signed,
      zeroPoints: forEachPhase(weights.zeroPoints),
      values: phaseWeights(transposed, rows, columns),
    },
    bias: forEachPhase(transposed.bias),
    strides: [1, 1],
    pads: [rows.padBegin, columns.padBegin, rows.padEnd, columns.padEnd],
    dilations: [1, 1],
    group,
    accumulator,
  });
  return { spec, map: { rows: rows.axis, columns: columns.axis } };
}

/** Of strides, dilations, crops and extents: as `makeSpec` has it for strides. */
const MOST = 2 ** 16;

function requireCounts(where: string, values: readonly number[], least: number): void {
  const wrong = values.find((value) => !Number.isInteger(value) || value < least || value > MOST);
  if (wrong === undefined) return;
  throw new CipherconvError({
    code: 'out-of-range',
    where,
    message: 'out of range',
    expected: `integers from ${least} to ${MOST}`,
    found: String(wrong),
  });
}

function requireFilter({ input, weights, group }: TransposedConvolution): void {
  const { outputsPerGroup, kernelHeight, kernelWidth, values } = weights;
  requireCounts('weights', [outputsPerGroup, kernelHeight, kernelWidth], 1);
  const isDivisor = Number.isInteger(group) && group > 0 && input.channels % group === 0;
  const count = input.channels * outputsPerGroup * kernelHeight * kernelWidth;
  if (isDivisor && count === values.length) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: 'weights',
    message: 'the filter does not go with the input',
    expected: `${count} weights, ${input.channels} channels in whole groups`,
    found: `${values.length} weights, ${group} groups`,
  });
}

function requireSize(
  { input, weights }: TransposedConvolution,
  phaseCount: number,
  [height, width]: readonly [number, number],
): void {
  const count = input.channels * weights.outputsPerGroup * phaseCount * height * width;
  if (count <= MAX_ELEMENTS) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: 'weights',
    message: 'not supported yet: transposed convolutions so far apart',
    expected: `at most ${MAX_ELEMENTS} weights in all phases`,
    found: `${count}: ${phaseCount} phases of ${height} x ${width} taps`,
    hint: 'use smaller strides or dilations',
  });
}

/** Flat OIHW; output channels are (channel, row phase, column phase). */
function phaseWeights(
  { input, weights, group }: TransposedConvolution,
  rows: AxisPlan,
  columns: AxisPlan,
): number[] {
  const { outputsPerGroup, kernelHeight, kernelWidth, zeroPoints } = weights;
  const channelsPerGroup = input.channels / group;
  const [height, width] = [rows.reach + 1, columns.reach + 1];
  const values: number[] = [];
  for (let output = 0; output < outputsPerGroup * group; output++) {
    const first = Math.floor(output / outputsPerGroup) * channelsPerGroup;
    for (const vertical of rows.taps) {
      for (const horizontal of columns.taps) {
        for (let channel = first; channel < first + channelsPerGroup; channel++) {
          const kernel = new Array<number>(height * width).fill(zeroPoints[output]!);
          const from = (channel * outputsPerGroup + (output % outputsPerGroup)) * kernelHeight * kernelWidth;
          for (const { tap: kernelRow, shift: up } of vertical) {
            for (const { tap: kernelColumn, shift: left } of horizontal) {
              const to = (rows.reach - up) * width + (columns.reach - left);
              kernel[to] = weights.values[from + kernelRow * kernelWidth + kernelColumn]!;
            }
          }
          for (const value of kernel) values.push(value);
        }
      }
    }
  }
  return values;
}

/** Phases that have channels. */
export function phaseCountOf({ phases }: PhaseAxis): number {
  return phases.reduce<number>((count, phase) => count + (phase === null ? 0 : 1), 0);
}

/**
 * The output of a transposed convolution, NCHW.
 * @param accumulators of `spec`, NCHW
 * @param bias of `spec`: what an output without taps is
 */
export function arrangePhases(
  { rows, columns }: PhaseMap,
  accumulators: Tensor,
  bias: readonly number[],
): Tensor {
  const [batch = 1, phaseChannels = 1, height = 1, width = 1] = accumulators.shape;
  const [down, across] = [phaseCountOf(rows), phaseCountOf(columns)];
  const channels = phaseChannels / (down * across);
  const data = new Float64Array(batch * channels * rows.size * columns.size);
  let cell = 0;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const first = channel * down * across;
      for (let y = 0; y < rows.size; y++) {
        const row = rows.phases[(y + rows.offset) % rows.phases.length] ?? null;
        const q = Math.floor((y + rows.offset) / rows.phases.length);
        for (let x = 0; x < columns.size; x++, cell++) {
          const column = columns.phases[(x + columns.offset) % columns.phases.length] ?? null;
          if (row === null || column === null) {
            data[cell] = bias[first]!;
            continue;
          }
          const plane = image * phaseChannels + first + row * across + column;
          const p = Math.floor((x + columns.offset) / columns.phases.length);
          data[cell] = accumulators.data[(plane * height + q) * width + p]!;
        }
      }
    }
  }
  return { shape: [batch, channels, rows.size, columns.size], data };
}
