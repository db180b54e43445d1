import { hull } from '../base/interval.ts';
import type { Interval, Width } from '../base/interval.ts';
import { datatypeRange } from '../base/interval.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * Tier "datatype": what the declared bit widths alone allow, whatever the weights are. A proof, and the loosest one.
 * With unsigned operands, no zero points and no bias the largest number of taps for P bits is
 * floor((2^P - 1) / ((2^w - 1)(2^x - 1))) (A2Q: Colbert et al. 2023, arXiv 2308.13504, section 3).
 */

/** Products that one output sums. */
export function tapsOf(spec: ConvSpec): number {
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  return channelsPerGroup * kernelHeight * kernelWidth;
}

/** Accumulator range of each output channel with any weights and inputs of the declared datatypes, own bias included. */
export function datatypeBound(spec: ConvSpec): {
  readonly interval: Interval;
  readonly channels: readonly Interval[];
} {
  const taps = tapsOf(spec);
  const channels = spec.bias.map((bias, channel) => {
    const product = productRange(spec, channel);
    return { lo: taps * product.lo + bias, hi: taps * product.hi + bias };
  });
  return { interval: channels.reduce(hull), channels };
}

/** Range of one product of any weight and any input; a tap that may fall on padding may also contribute 0. */
function productRange(spec: ConvSpec, channel: number): Interval {
  const input = datatypeRange(spec.input.bits, spec.input.signed);
  const weight = datatypeRange(spec.weights.bits, spec.weights.signed);
  const zeroPoint = spec.weights.zeroPoints[channel]!;
  const inputs = [input.lo - spec.input.zeroPoint, input.hi - spec.input.zeroPoint];
  const weights = [weight.lo - zeroPoint, weight.hi - zeroPoint];
  const corners = inputs.flatMap((x) => weights.map((w) => x * w));
  const padded = spec.pads.some((pad) => pad > 0) ? [0] : [];
  return { lo: Math.min(...corners, ...padded), hi: Math.max(...corners, ...padded) };
}

/** What a declared width holds, exactly; up to 64 bits, so in bigint. */
function exactRange({ bits, signed }: Width): { readonly lo: bigint; readonly hi: bigint } {
  const values = 1n << BigInt(bits);
  return signed ? { lo: -values / 2n, hi: values / 2n - 1n } : { lo: 0n, hi: values - 1n };
}

/**
 * Most taps with products in `product` that `width` holds beside `bias`; 0 when the bias alone does not fit, null when
 * any number fits (all products are 0).
 */
export function largestTaps(width: Width, product: Interval, bias: number): bigint | null {
  const { lo, hi } = exactRange(width);
  const [above, below] = [hi - BigInt(bias), BigInt(bias) - lo];
  if (above < 0n || below < 0n) return 0n;
  const counts = [
    ...(product.hi > 0 ? [above / BigInt(product.hi)] : []),
    ...(product.lo < 0 ? [below / BigInt(-product.lo)] : []),
  ];
  return counts.length === 0 ? null : counts.reduce((least, count) => (count < least ? count : least));
}

/** `largestTaps` over all output channels of a convolution. */
export function largestTapsOf(spec: ConvSpec, width: Width): bigint | null {
  return spec.bias.reduce<bigint | null>((least, bias, channel) => {
    const count = largestTaps(width, productRange(spec, channel), bias);
    if (least === null || count === null) return least ?? count;
    return count < least ? count : least;
  }, null);
}
