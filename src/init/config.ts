import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { requiredWidth } from '../../compiler/base/interval.ts';
import { makeSpecWithDefaults } from '../../compiler/convolution/defaults.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { FilterConfigInput } from '../frontend/schema.ts';
import type { Filter } from './filter.ts';

/** The pictures that a new filter goes over. */
export interface InitInput {
  readonly height: number;
  readonly width: number;
  readonly bits: number;
}

/** A filter over pictures of their size: as many pads as keep it. */
export function specOfFilter(name: string, filter: Filter, input: InitInput): ConvSpec {
  const [outChannels, channels, kernelHeight, kernelWidth] = filter.shape;
  const [top, left] = [Math.floor((kernelHeight - 1) / 2), Math.floor((kernelWidth - 1) / 2)];
  return makeSpecWithDefaults({
    name,
    input: { channels, height: input.height, width: input.width, bits: input.bits },
    weights: {
      outChannels,
      channelsPerGroup: channels,
      kernelHeight,
      kernelWidth,
      bits: filter.bits,
      signed: filter.signed,
      values: filter.values,
    },
    pads: [top, left, kernelHeight - 1 - top, kernelWidth - 1 - left],
  });
}

/** The same convolution, held to just the bits that it needs. */
export function withOwnWidth(spec: ConvSpec): ConvSpec {
  const { interval } = analyzeAccumulator(spec);
  const { bits, signed } = requiredWidth(interval);
  return makeSpec({ ...spec, accumulator: { bits: Math.max(bits, 1), signed } });
}

/**
 * The text of a filter config.
 * @param schema what editors check it against: a path or an address
 * @param npy the file that holds the weights; null: they stand in the config
 */
export function configText(spec: ConvSpec, schema: string, npy: string | null): string {
  const { input, weights } = spec;
  const { lo, hi } = input.range;
  const [least, most] = input.signed
    ? [-(2 ** (input.bits - 1)), 2 ** (input.bits - 1) - 1]
    : [0, 2 ** input.bits - 1];
  const zeroPoints = new Set(weights.zeroPoints);
  const config: FilterConfigInput = {
    $schema: schema,
    version: 1,
    name: spec.name,
    input: {
      shape: [input.batch, input.channels, input.height, input.width],
      layout: 'NCHW',
      bits: input.bits,
      signed: input.signed,
      zeroPoint: input.zeroPoint,
      ...(lo === least && hi === most ? {} : { range: [lo, hi] }),
    },
    weights: {
      shape: weightShape(spec),
      layout: 'OIHW',
      bits: weights.bits,
      signed: weights.signed,
      zeroPoint: zeroPoints.size === 1 ? weights.zeroPoints[0]! : [...weights.zeroPoints],
      values: npy === null ? nested(spec) : { npy },
    },
    ...(spec.bias.some((bias) => bias !== 0) ? { bias: [...spec.bias] } : {}),
    strides: [...spec.strides],
    pads: [...spec.pads],
    dilations: [...spec.dilations],
    group: spec.group,
    ...(spec.accumulator === null ? {} : { accumulator: { ...spec.accumulator } }),
  };
  return readable(config);
}

/** O, I, H and W of the weights. */
export function weightShape({ weights }: ConvSpec): [number, number, number, number] {
  return [weights.outChannels, weights.channelsPerGroup, weights.kernelHeight, weights.kernelWidth];
}

/** Nested like the shape: an array for each row of a kernel. */
function nested(spec: ConvSpec): unknown[] {
  const [, channels, height, width] = weightShape(spec);
  const group = (values: readonly unknown[], count: number): unknown[][] =>
    Array.from({ length: values.length / count }, (_, index) =>
      values.slice(index * count, (index + 1) * count),
    );
  return group(group(group(spec.weights.values, width), height), channels);
}

/** JSON with lists of numbers on one line. */
function readable(config: object): string {
  const text = JSON.stringify(config, null, 2);
  return `${text.replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`;
}
