import { CipherconvError } from '../../compiler/base/errors.ts';
import { quantizeWeights } from './weights.ts';
import type { QuantizedLayer } from './weights.ts';

/** Which layers get fewer bits, so that their sums fit a width. */

/** Fewest bits of weights and of inputs. */
const FEWEST_BITS = 2;

/**
 * Fewer bits for layers whose sums are too wide. Each bit is taken where it costs least: off the weights or off the input,
 * by the mean square that the output is expected to be off by. Null: none is too wide.
 * @param widths signed bits that the sums of each layer need, by its name
 * @throws CipherconvError `overflow` where fewer bits are not to be had
 */
export function narrowed(
  layers: readonly QuantizedLayer[],
  widths: ReadonlyMap<string, number>,
  most: number | null,
): QuantizedLayer[] | null {
  if (most === null) return null;
  const surplusOf = ({ linear }: QuantizedLayer): number => (widths.get(linear.name) ?? 0) - most;
  if (!layers.some((layer) => surplusOf(layer) > 0)) return null;
  return layers.map((layer) => {
    const surplus = surplusOf(layer);
    let narrower = layer;
    // A bit less of either is about a bit less of the sum; the last one is taken by itself, lest it be one too many.
    for (let taken = 0; taken < surplus && (taken === 0 || taken < surplus - 1); taken++) {
      const next = oneBitLess(narrower);
      if (next === null) break;
      narrower = next;
    }
    if (surplus > 0 && narrower === layer) throw tooWide(layer, most + surplus, most);
    return narrower;
  });
}

function oneBitLess(layer: QuantizedLayer): QuantizedLayer | null {
  const { weights, input } = layer.bits;
  const candidates = [
    { weights: weights - 1, input },
    { weights, input: input - 1 },
  ].filter((bits) => bits.weights >= FEWEST_BITS && bits.input >= FEWEST_BITS);
  const [first, second] = candidates.map((bits) => ({ ...layer, bits }));
  if (first === undefined || second === undefined) return first ?? null;
  return expectedError(first) <= expectedError(second) ? first : second;
}

/** Squares that a sum is off by on average: by its weights at the inputs' size, by its inputs at the weights' size. */
function expectedError(layer: QuantizedLayer): number {
  const { linear, bits, range } = layer;
  const { values, scaleOf } = quantizeWeights(layer);
  let [wrong, all] = [0, 0];
  for (const [index, weight] of linear.weights.data.entries()) {
    wrong += (weight - values[index]! * scaleOf(index)) ** 2;
    all += weight ** 2;
  }
  const step = (range.hi - range.lo) / (2 ** bits.input - 1);
  return range.meanSquare * wrong + (all * step ** 2) / 12;
}

function tooWide({ linear }: QuantizedLayer, found: number, most: number): CipherconvError {
  return new CipherconvError({
    code: 'overflow',
    where: linear.name,
    message: `its sums do not fit ${most} signed bits, even with weights and inputs of ${FEWEST_BITS} bits`,
    expected: `${most} signed bits`,
    found: `${found} signed bits`,
    hint: 'give more --accumulator-bits',
  });
}
