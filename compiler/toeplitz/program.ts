import type { BlockGroup, ChunkTap } from './placement.ts';
import { firstChannelOf } from '../convolution/shape.ts';
import type { ConvShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { ToeplitzLayout, ToeplitzPacking } from './packing.ts';
import { centredLift } from '../rings/residues.ts';
import { toeplitzLayout } from './packing.ts';
import { centredWeights } from '../convolution/spec.ts';
import { chunkTaps, buildBlockGroups } from './placement.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { internalError } from '../base/errors.ts';

/**
 * The executable form of a toeplitz plan: result[g][r] = sum over terms of plaintext * input[g][chunk], in the ring
 * Z_t[X] / (X^N + 1). All block groups share one matrix of ring plaintexts. Several small interpreters read it:
 * simulate, verify, the counters and SEAL.
 */
export interface ToeplitzProgram {
  readonly lowering: 'toeplitz';
  readonly degree: number;
  readonly plainModulus: number;
  /** The distinct entries of the matrix. */
  readonly plaintexts: readonly RingPlaintext[];
  /** One row a result ciphertext of a block group. A row without terms is known in the clear and never computed. */
  readonly rows: readonly (readonly Term[])[];
  readonly blockGroups: readonly BlockGroup[];
}

/** A sparse polynomial with small coefficients: exponents ascending below N, values not 0, centred modulo t. */
export interface RingPlaintext {
  readonly exponents: Int32Array;
  readonly values: Int32Array;
}

export interface Term {
  /** Index into the inputs of the block group. */
  readonly chunk: number;
  /** Index into `Program.plaintexts`. */
  readonly plaintext: number;
}

/** The polynomial that turns input chunk `chunk` into its share of result row `row`, entries that are 0 modulo t left out. */
function weightPlaintext(
  spec: ConvSpec,
  centred: Int32Array,
  plainModulus: number,
  layout: ToeplitzLayout,
  row: number,
  taps: readonly ChunkTap[],
): RingPlaintext {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const exponents: number[] = [];
  const values: number[] = [];
  for (const { outputInProduct, channel, kernelRow, kernelColumn, exponent } of taps) {
    const output = row * layout.packing.outputsPerProduct + outputInProduct;
    if (output >= outChannels) continue;
    const inGroup = channel - firstChannelOf(spec, output);
    if (inGroup < 0 || inGroup >= channelsPerGroup) continue;
    const raw =
      centred[
        ((output * channelsPerGroup + inGroup) * kernelHeight + kernelRow) * kernelWidth + kernelColumn
      ]!;
    const value = centredLift(raw, plainModulus);
    if (value === 0) continue;
    exponents.push(exponent);
    values.push(value);
  }
  return { exponents: Int32Array.from(exponents), values: Int32Array.from(values) };
}

/** What a toeplitz program is made from. */
export interface ToeplitzSource {
  readonly spec: ConvSpec;
  readonly packing: ToeplitzPacking;
  readonly parameters: Pick<Parameters, 'degree' | 'plainModulus'>;
}

/** Expands a plan into its program. Pure: the same plan gives the same program. */
export function buildToeplitz({ spec, packing, parameters }: ToeplitzSource): ToeplitzProgram {
  const { degree, plainModulus } = parameters;
  const layout = toeplitzLayout(spec, packing, degree);
  const centred = centredWeights(spec.weights);
  const taps = Array.from({ length: layout.chunks }, (_, chunk) => chunkTaps(layout, chunk));
  const plaintexts: RingPlaintext[] = [];
  const rows: Term[][] = [];
  for (let row = 0; row < layout.resultRows; row++) {
    const terms: Term[] = [];
    for (const chunk of chunksOfRow(spec, layout, row)) {
      const plaintext = weightPlaintext(spec, centred, plainModulus, layout, row, taps[chunk]!);
      if (plaintext.values.length === 0) continue;
      terms.push({ chunk, plaintext: plaintexts.length });
      plaintexts.push(plaintext);
    }
    rows.push(terms);
  }
  return {
    lowering: 'toeplitz',
    degree,
    plainModulus,
    plaintexts,
    rows,
    blockGroups: buildBlockGroups(spec, layout),
  };
}

/** Input chunks that hold a channel of a group that result row `row` reads, ascending. */
function chunksOfRow(shape: ConvShape, layout: ToeplitzLayout, row: number): number[] {
  const { first, last } = chunkRange(shape, layout, row);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** First and last input chunk that result row `row` can read: those with channels of its outputs' groups. */
export function chunkRange(
  shape: ConvShape,
  layout: Pick<ToeplitzLayout, 'packing' | 'phaseChannels'>,
  row: number,
): { first: number; last: number } {
  const { outputsPerProduct, channelsPerCiphertext } = layout.packing;
  const { outChannels } = shape.weights;
  const phases = layout.phaseChannels / shape.input.channels;
  const perGroup = shape.weights.channelsPerGroup * phases;
  const firstOutput = row * outputsPerProduct;
  const lastOutput = Math.min(outChannels, firstOutput + outputsPerProduct) - 1;
  const firstGroup = Math.floor((firstOutput * shape.group) / outChannels);
  const lastGroup = Math.floor((lastOutput * shape.group) / outChannels);
  return {
    first: Math.floor((firstGroup * perGroup) / channelsPerCiphertext),
    last: Math.floor(((lastGroup + 1) * perGroup - 1) / channelsPerCiphertext),
  };
}

/** Norms of the rows of a matrix: what the noise grows by. Exact integers. */
export interface RowNorms {
  /** Largest L1 norm of all polynomials of one row. */
  readonly rowL1: number;
  /** Largest squared L2 norm of all polynomials of one row. */
  readonly rowL2Squared: number;
}

/** Norms of the program's rows, largest first found over all rows. */
export function rowNorms(program: ToeplitzProgram): RowNorms {
  const l1 = program.plaintexts.map(({ values }) => values.reduce((sum, value) => sum + Math.abs(value), 0));
  const l2 = program.plaintexts.map(({ values }) => values.reduce((sum, value) => sum + value * value, 0));
  const largest = (norms: readonly number[]): number =>
    program.rows.reduce((most, terms) => {
      const sum = terms.reduce((total, term) => total + norms[term.plaintext]!, 0);
      if (!Number.isSafeInteger(sum)) throw internalError('the norm of a row is not an exact double');
      return Math.max(most, sum);
    }, 0);
  return { rowL1: largest(l1), rowL2Squared: largest(l2) };
}

/** Numbers of the rows that are computed, those with terms, ascending. */
export function computedRows(program: ToeplitzProgram): number[] {
  return program.rows.flatMap((terms, row) => (terms.length === 0 ? [] : [row]));
}

/** Input chunks that at least one row reads; the others are never sent. Ascending. */
export function usedChunks(program: ToeplitzProgram): number[] {
  return [...new Set(program.rows.flatMap((terms) => terms.map((term) => term.chunk)))].sort((a, b) => a - b);
}
