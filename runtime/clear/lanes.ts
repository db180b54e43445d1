import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { Strided } from './strided.ts';

/**
 * How output channels share doubles. A double carries 53 bits and an accumulator of quantized numbers needs far fewer,
 * so one multiply-add can serve several output channels. Column q of the packed filter is the fixed-point fraction
 *
 *     sum over lanes l of  w[q*lanes + l] * base^-(l + 1)
 *
 * and so is a sum of its products with pixels: a number in base `base` with one signed digit per output channel.
 *
 * Exactness. Let M bound, for every output channel, |x| max * sum |w|. Then any partial sum of any lane lies in
 * [-M, M], and base >= 2M + 1 gives: the digits are unique; the value of a partial sum is at most M / (base - 1) <= 1/2;
 * it is a multiple of base^-lanes >= 2^-53. Hence at most 53 bits, so neither a product nor a sum ever rounds. With one
 * lane, base only scales by a power of two, and M < 2^53 is all it takes.
 *
 * Fractions and not integers on purpose, with one lane too: V8 (from version 14, Node 25) speculates that sums of
 * integral doubles are integers, and that made the product four times slower.
 */
export interface Lanes {
  readonly outputs: number;
  readonly lanes: number;
  /** A power of two. */
  readonly base: number;
  /** Packed columns, a multiple of `PANEL`; the surplus ones are zero. */
  readonly columns: number;
}

/** Scales integers below 2^53 to fractions, exactly. */
const UNIT = 2 ** -53;

/** Columns that the matrix product handles at once. */
export const PANEL = 4;

/** Largest sum of |w| over the taps of one output. @param filter [..., outputs], any rank */
export function largestL1(filter: Strided): number {
  const outputs = filter.shape.at(-1) ?? 0;
  const sums = new Float64Array(outputs);
  forEachTap(filter, (value, output) => {
    sums[output]! += Math.abs(value);
  });
  return sums.reduce((largest, sum) => Math.max(largest, sum), 0);
}

function forEachTap(filter: Strided, action: (value: number, output: number, row: number) => void): void {
  const outputs = filter.shape.at(-1) ?? 0;
  let row = 0;
  const walk = (axis: number, at: number): void => {
    const stride = filter.strides[axis]!;
    if (axis === filter.shape.length - 1) {
      for (let o = 0; o < outputs; o++) action(filter.data[at + o * stride]!, o, row);
      row++;
      return;
    }
    for (let index = 0; index < filter.shape[axis]!; index++) walk(axis + 1, at + index * stride);
  };
  walk(0, filter.offset);
}

/**
 * Chooses the lanes: as few as give the fewest panels.
 * @param largestSum M above: no partial sum of any output exceeds it in magnitude
 * @throws CipherconvError `out-of-range` when M is not below 2^53
 */
export function planLanes(outputs: number, largestSum: number): Lanes {
  if (!Number.isSafeInteger(largestSum)) {
    throw new CipherconvError({
      code: 'out-of-range',
      where: 'input',
      message: 'with inputs this large a sum may exceed what a double holds exactly',
      expected: 'largest input times sum of the weights below 2^53 in magnitude',
      found: String(largestSum),
    });
  }
  let bits = 1;
  while (2 ** bits < 2 * largestSum + 1) bits++;
  const possible = Math.max(1, Math.floor(53 / bits));
  const panels = Math.ceil(outputs / (PANEL * possible));
  const lanes = Math.ceil(outputs / (PANEL * panels));
  return { outputs, lanes, base: 2 ** bits, columns: panels * PANEL };
}

/** A packed filter matrix: data[(panel * depth + k) * PANEL + column % PANEL], so that a panel is read in order. */
export interface Columns {
  readonly depth: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * Packs a filter; all axes but the last become the depth, in C order.
 * @param filter centred weights [..., outputs]
 */
export function packColumns(filter: Strided, { outputs, lanes, base, columns }: Lanes): Columns {
  const depth = filter.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  if (filter.shape.at(-1) !== outputs) throw internalError('lanes of another filter');
  const scales = Array.from({ length: lanes }, (_, lane) => base ** -(lane + 1));
  const data = new Float64Array(depth * columns);
  forEachTap(filter, (value, output, k) => {
    const column = Math.floor(output / lanes);
    const at = (Math.floor(column / PANEL) * depth + k) * PANEL + (column % PANEL);
    data[at]! += value * scales[output % lanes]!;
  });
  return { depth, columns, data };
}

/**
 * Takes the digits apart and adds the bias: out[r][o] = bias[o] + digit o of row r. Destroys `sums`.
 * @param sums [rows, columns] in C order
 * @param out [rows, outputs], written
 * @param shift moves `out` by so many elements
 */
export function unpackSums(
  sums: Float64Array,
  layout: Lanes,
  bias: readonly number[],
  out: Strided,
  shift = 0,
): void {
  const { outputs, lanes, base, columns } = layout;
  const [rowStride = 0, outputStride = 0] = out.strides;
  const end = out.shape[0]! * columns;
  for (let column = 0; column * lanes < outputs; column++) {
    // The first lane is the highest digit; spare lanes of the last column come last and are left alone.
    for (let lane = 0; lane < lanes && column * lanes + lane < outputs; lane++) {
      const output = column * lanes + lane;
      // The bias is added to fractions, as all is added here: |bias + digit| < 2^53, so nothing is lost.
      const offset = bias[output]! * UNIT;
      const isLowest = lane === lanes - 1;
      let to = out.offset + shift + output * outputStride;
      for (let at = column; at < end; at += columns) {
        const scaled = sums[at]! * base;
        const digit = isLowest ? scaled : Math.round(scaled);
        sums[at] = scaled - digit;
        out.data[to] = (digit * UNIT + offset) * (1 / UNIT);
        to += rowStride;
      }
    }
  }
}
