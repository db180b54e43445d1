import type { DirectCounts } from '../cost.ts';
import type { AxisLayout, ToeplitzPacking } from '../packing.ts';
import type { ConvShape } from '../../convolution/shape.ts';
import { limbsFor } from '../../rings/digits.ts';

/** What a candidate costs the direct kernel, from the shape alone: its steps are only made for the one chosen. */

/** How a candidate cuts the image. */
export interface Tiling {
  readonly rows: AxisLayout;
  readonly columns: AxisLayout;
  readonly phaseChannels: number;
  readonly blocks: number;
  /** N. */
  readonly degree: number;
}

/** Positions that one pass over four rows computes at once. */
const TILE = 8;
const BLOCK_ROWS = 4;
/** Of a chunk paired with itself, taps per step: neighbours pair up but for the odd ones. */
const TAPS_PER_OWN_STEP = 1.8;

/** Steps of one result row: pairs of chunks with the same taps, or of taps where a row reads one chunk only. */
function stepsOfRow(
  shape: ConvShape,
  packing: ToeplitzPacking,
  { rows, columns, phaseChannels }: Tiling,
): number {
  const { outputsPerProduct, channelsPerCiphertext } = packing;
  const taps = shape.weights.channelsPerGroup * rows.taps.length * columns.taps.length * outputsPerProduct;
  const chunks = Math.max(1, Math.round(phaseChannels / shape.group / channelsPerCiphertext));
  if (chunks === 1) return taps === 1 ? 1 : taps / TAPS_PER_OWN_STEP;
  const inPairs = (taps / chunks) * Math.floor(chunks / 2);
  return inPairs + (chunks % 2 === 0 ? 0 : taps / chunks / TAPS_PER_OWN_STEP);
}

/** Coefficients of c0 in tiles that hold an output. */
function computedPositions(packing: ToeplitzPacking, { rows, columns, blocks, degree }: Tiling): number {
  const perLine = Math.ceil(((columns.tileSize - 1) * columns.step + 1) / TILE) * TILE;
  const perBlock = rows.tileSize * Math.min(perLine, packing.rowPitch * rows.step);
  const held = Math.min(blocks, packing.blocksPerCiphertext) * packing.outputsPerProduct;
  return Math.min(degree, held * perBlock);
}

export function directCounts(
  shape: ConvShape,
  packing: ToeplitzPacking,
  dataPrimes: readonly bigint[],
  tiling: Tiling,
): DirectCounts {
  const { channelPitch, rowPitch, channelsPerCiphertext, blocksPerCiphertext, outputsPerProduct } = packing;
  const { rows, columns } = tiling;
  const largest = dataPrimes.reduce((most, prime) => (prime > most ? prime : most), 0n);
  const steps = stepsOfRow(shape, packing, tiling);
  const resultRows = Math.ceil(shape.weights.outChannels / outputsPerProduct);
  const perGroup = resultRows / shape.group;
  // Rows of different groups read different chunks and go one by one.
  const fours = perGroup >= BLOCK_ROWS ? Math.floor(resultRows / BLOCK_ROWS) * BLOCK_ROWS : 0;
  return {
    limbs: limbsFor(largest).limbs,
    fourRowSteps: fours * steps,
    oneRowSteps: (resultRows - fours) * steps,
    blockGroups: Math.ceil(tiling.blocks / blocksPerCiphertext),
    positions: computedPositions(packing, tiling),
    // The largest exponent: the last output's tap of the first channel.
    reach:
      (((outputsPerProduct - 1) * blocksPerCiphertext + 1) * channelsPerCiphertext - 1) * channelPitch +
      rows.reach * rowPitch +
      columns.reach,
  };
}
