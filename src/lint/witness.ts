import { firstChannelOf } from '../../compiler/convolution/shape.ts';
import { witnessImage } from '../../compiler/accumulator/exact.ts';
import type { AccumulatorAnalysis, End } from '../../compiler/accumulator/exact.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Witness } from './finding.ts';

/** Inputs that take output channel `channel` to both ends of its interval; the cell named is that of `end`. */
export function witnessOf(spec: ConvSpec, analysis: AccumulatorAnalysis, channel: number, end: End): Witness {
  const found = analysis.channels[channel]!;
  const [row, column] = end === 'low' ? found.lowCell : found.highCell;
  return {
    output: [channel, row, column],
    low: patch(spec, analysis, channel, 'low'),
    high: patch(spec, analysis, channel, 'high'),
  };
}

/** What the kernel sees of the witness image at the cell that reaches `end`. */
function patch(spec: ConvSpec, analysis: AccumulatorAnalysis, channel: number, end: End): number[][][] {
  const { input, weights, strides, pads, dilations } = spec;
  const image = witnessImage(spec, analysis, channel, end);
  const found = analysis.channels[channel]!;
  const [row, column] = end === 'low' ? found.lowCell : found.highCell;
  const firstChannel = firstChannelOf(spec, channel);
  const at = (c: number, a: number, e: number): number => {
    const y = row * strides[0] - pads[0] + a * dilations[0];
    const x = column * strides[1] - pads[1] + e * dilations[1];
    if (y < 0 || y >= input.height || x < 0 || x >= input.width) return input.zeroPoint;
    return image[((firstChannel + c) * input.height + y) * input.width + x]!;
  };
  return indices(weights.channelsPerGroup).map((c) =>
    indices(weights.kernelHeight).map((a) => indices(weights.kernelWidth).map((e) => at(c, a, e))),
  );
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
