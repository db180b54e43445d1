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

/** The taps of an input chunk in columns, ascending in their exponents: they are gone through for every result row. */
interface TapColumns {
  readonly outputInProduct: Int32Array;
  readonly channel: Int32Array;
  /** Of the weight within its channel: kernel row and column. */
  readonly kernelIndex: Int32Array;
  readonly exponent: Int32Array;
}

function tapColumns(taps: readonly ChunkTap[], kernelWidth: number): TapColumns {
  return {
    outputInProduct: Int32Array.from(taps, (tap) => tap.outputInProduct),
    channel: Int32Array.from(taps, (tap) => tap.channel),
    kernelIndex: Int32Array.from(taps, (tap) => tap.kernelRow * kernelWidth + tap.kernelColumn),
    exponent: Int32Array.from(taps, (tap) => tap.exponent),
  };
}

/** Makes the polynomials of a program: which turn an input chunk into its share of a result row. */
class PlaintextMaker {
  readonly #spec: ConvSpec;
  readonly #outputsPerProduct: number;
  /** Weights as SEAL lifts them, flat OIHW. */
  readonly #lifted: Int32Array;
  readonly #taps: readonly TapColumns[];
  readonly #exponents: Int32Array;
  readonly #values: Int32Array;

  constructor(spec: ConvSpec, plainModulus: number, layout: ToeplitzLayout) {
    this.#spec = spec;
    this.#outputsPerProduct = layout.packing.outputsPerProduct;
    this.#lifted = centredWeights(spec.weights);
    const smallest = Math.floor((plainModulus + 1) / 2);
    for (let index = 0; index < this.#lifted.length; index++) {
      const raw = this.#lifted[index]!;
      if (raw >= smallest || -raw >= smallest) this.#lifted[index] = centredLift(raw, plainModulus);
    }
    this.#taps = Array.from({ length: layout.chunks }, (_, chunk) =>
      tapColumns(chunkTaps(layout, chunk), spec.weights.kernelWidth),
    );
    const most = this.#taps.reduce((largest, { exponent }) => Math.max(largest, exponent.length), 0);
    this.#exponents = new Int32Array(most);
    this.#values = new Int32Array(most);
  }

  /** The polynomial of input chunk `chunk` for result row `row`, entries that are 0 modulo t left out. */
  make(row: number, chunk: number): RingPlaintext {
    const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = this.#spec.weights;
    const { outputInProduct, channel, kernelIndex, exponent } = this.#taps[chunk]!;
    const kernelSize = kernelHeight * kernelWidth;
    const firstOutput = row * this.#outputsPerProduct;
    const firstChannels = Array.from({ length: this.#outputsPerProduct }, (_, place) =>
      firstChannelOf(this.#spec, firstOutput + place),
    );
    let count = 0;
    for (let tap = 0; tap < exponent.length; tap++) {
      const place = outputInProduct[tap]!;
      const output = firstOutput + place;
      if (output >= outChannels) continue;
      const inGroup = channel[tap]! - firstChannels[place]!;
      if (inGroup < 0 || inGroup >= channelsPerGroup) continue;
      const value = this.#lifted[(output * channelsPerGroup + inGroup) * kernelSize + kernelIndex[tap]!]!;
      if (value === 0) continue;
      this.#exponents[count] = exponent[tap]!;
      this.#values[count] = value;
      count++;
    }
    return { exponents: this.#exponents.slice(0, count), values: this.#values.slice(0, count) };
  }
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
  const maker = new PlaintextMaker(spec, plainModulus, layout);
  const plaintexts: RingPlaintext[] = [];
  const rows: Term[][] = [];
  for (let row = 0; row < layout.resultRows; row++) {
    const terms: Term[] = [];
    for (const chunk of chunksOfRow(spec, layout, row)) {
      const plaintext = maker.make(row, chunk);
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
  const l1 = new Float64Array(program.plaintexts.length);
  const l2 = new Float64Array(program.plaintexts.length);
  // Plain loops: callbacks of typed arrays take several times as long, and these are all weights.
  program.plaintexts.forEach(({ values }, plaintext) => {
    let sum = 0;
    let squares = 0;
    const { length } = values;
    for (let index = 0; index < length; index++) {
      const value = values[index]!;
      sum += value < 0 ? -value : value;
      squares += value * value;
    }
    l1[plaintext] = sum;
    l2[plaintext] = squares;
  });
  const largest = (norms: Float64Array): number =>
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
