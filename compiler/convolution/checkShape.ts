import { CipherconvError } from '../base/errors.ts';
import { contains, datatypeRange } from '../base/interval.ts';
import type { Width } from '../base/interval.ts';
import { elementCount } from '../base/tensor.ts';
import { outputShape } from './shape.ts';
import type { ConvShape, InputSpec, WeightShape } from './shape.ts';

/** Bits of inputs and weights that are supported. */
export const MAX_BITS = 16;

/** Elements of one tensor; a tensor of doubles then takes at most 512 MiB. */
export const MAX_ELEMENTS = 2 ** 26;

/** @throws CipherconvError `out-of-range`, always. */
export function refuse(
  where: string,
  message: string,
  expected: string,
  found: string,
  hint?: string,
): never {
  throw new CipherconvError({
    code: 'out-of-range',
    where,
    message,
    expected,
    found,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** @throws CipherconvError `out-of-range` unless the value is an integer from `lo` to `hi`. */
export function requireInteger(where: string, value: number, lo: number, hi: number): void {
  if (!Number.isInteger(value) || value < lo || value > hi) {
    refuse(where, 'out of range', `an integer from ${lo} to ${hi}`, String(value));
  }
}

/** @throws CipherconvError `shape-mismatch` where the numbers differ. */
export function requireCount(where: string, what: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where,
    message: `wrong number of ${what}`,
    expected: String(expected),
    found: String(found),
  });
}

/** A width in words, for messages. */
export function describeWidth(width: Width): string {
  return `${width.bits}-bit ${width.signed ? 'signed' : 'unsigned'}`;
}

function checkInput(input: InputSpec): void {
  const largest = 2 ** 24;
  for (const axis of ['batch', 'channels', 'height', 'width'] as const) {
    requireInteger(`input.${axis}`, input[axis], 1, largest);
  }
  requireInteger('input.bits', input.bits, 1, MAX_BITS);
  const range = datatypeRange(input.bits, input.signed);
  requireInteger('input.zeroPoint', input.zeroPoint, range.lo, range.hi);
  if (
    !Number.isInteger(input.range.lo) ||
    !Number.isInteger(input.range.hi) ||
    input.range.lo > input.range.hi
  ) {
    refuse(
      'input.range',
      'not a range',
      '[lo, hi] with integers lo <= hi',
      `[${input.range.lo}, ${input.range.hi}]`,
    );
  }
  if (!contains(range, input.range)) {
    refuse(
      'input.range',
      'wider than the declared bits',
      `within [${range.lo}, ${range.hi}] (${describeWidth(input)})`,
      `[${input.range.lo}, ${input.range.hi}]`,
    );
  }
}

function checkWeightShape(weights: WeightShape): void {
  const largest = 2 ** 24;
  for (const axis of ['outChannels', 'channelsPerGroup', 'kernelHeight', 'kernelWidth'] as const) {
    requireInteger(`weights.${axis}`, weights[axis], 1, largest);
  }
  requireInteger('weights.bits', weights.bits, 1, MAX_BITS);
}

function checkAttributes(spec: ConvShape): void {
  spec.strides.forEach((stride, index) => {
    requireInteger(`strides[${index}]`, stride, 1, 2 ** 16);
  });
  spec.dilations.forEach((dilation, index) => {
    requireInteger(`dilations[${index}]`, dilation, 1, 2 ** 16);
  });
  spec.pads.forEach((pad, index) => {
    requireInteger(`pads[${index}]`, pad, 0, 2 ** 16);
  });
  const { group, input, weights } = spec;
  requireInteger('group', group, 1, input.channels);
  if (input.channels !== weights.channelsPerGroup * group) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: 'weights.shape',
      message: 'input channels do not match the filter',
      expected: `${weights.channelsPerGroup} x group ${group} = ${weights.channelsPerGroup * group} input channels`,
      found: `${input.channels} input channels`,
      hint: 'the second extent of an OIHW filter is the number of input channels divided by group',
    });
  }
  if (weights.outChannels % group !== 0) {
    refuse(
      'group',
      'output channels do not split into groups',
      `a divisor of ${weights.outChannels}`,
      String(group),
    );
  }
}

function checkSize(what: string, shape: readonly number[]): void {
  // Products of up to four extents below 2^25: no overflow to infinity, and far above the limit before rounding.
  const elements = elementCount(shape);
  if (elements <= MAX_ELEMENTS) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: what,
    message: 'not supported yet: tensors of this size',
    expected: `at most ${MAX_ELEMENTS} elements`,
    found: `${elements} elements, [${shape.join(', ')}]`,
    hint: 'run smaller batches, or cut the image into parts',
  });
}

/**
 * Checks all of a convolution but its weights and biases.
 * @throws CipherconvError as `makeSpec` does.
 */
export function checkShape(shape: ConvShape): void {
  checkInput(shape.input);
  const { batch, channels, height, width } = shape.input;
  checkSize('input.shape', [batch, channels, height, width]);
  checkWeightShape(shape.weights);
  checkAttributes(shape);
  const output = outputShape(shape);
  checkSize('output', [output.batch, output.channels, output.height, output.width]);
}
