import { blockPosition, encodedSpan, imagePosition, phaseChannel, toeplitzLayout } from './packing.ts';
import type { ToeplitzLayout, ToeplitzPacking } from './packing.ts';
import { centredWeights, outputShape } from './spec.ts';
import type { ConvShape, ConvSpec } from './spec.ts';

/**
 * The executable form of a plan: result[g][r] = sum over terms of plaintext * input[g][chunk], in the ring
 * Z_t[X] / (X^N + 1). All block groups share one matrix of ring plaintexts. Several small interpreters read it:
 * simulate, verify, the counters and SEAL.
 */
export interface Program {
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

/** Which tensor element sits at which coefficient: `elements[i]` (flat NCHW) at `coefficients[i]`. */
export interface Placement {
  readonly coefficients: Int32Array;
  readonly elements: Int32Array;
}

export interface BlockGroup {
  readonly inputs: readonly Placement[];
  readonly outputs: readonly Placement[];
}

/** The representative of `value` modulo t in SEAL's centred lift: residues from floor((t+1)/2) on become negative. */
export function centredLift(value: number, plainModulus: number): number {
  const residue = ((value % plainModulus) + plainModulus) % plainModulus;
  return residue >= Math.floor((plainModulus + 1) / 2) ? residue - plainModulus : residue;
}

class PlacementBuilder {
  readonly #coefficients: number[] = [];
  readonly #elements: number[] = [];

  put(coefficient: number, element: number): void {
    this.#coefficients.push(coefficient);
    this.#elements.push(element);
  }

  build(): Placement {
    return { coefficients: Int32Array.from(this.#coefficients), elements: Int32Array.from(this.#elements) };
  }
}

/** Elements of input ciphertext `chunk` of block group `group`. */
export function inputPlacement(
  shape: ConvShape,
  layout: ToeplitzLayout,
  group: number,
  chunk: number,
): Placement {
  const { packing, rows, columns } = layout;
  const { rowPitch, channelPitch, channelsPerCiphertext, blocksPerCiphertext } = packing;
  const builder = new PlacementBuilder();
  for (let slot = 0; slot < blocksPerCiphertext * channelsPerCiphertext; slot++) {
    const block = group * blocksPerCiphertext + Math.floor(slot / channelsPerCiphertext);
    const index = chunk * channelsPerCiphertext + (slot % channelsPerCiphertext);
    if (block >= layout.blocks || index >= layout.phaseChannels) continue;
    const { image, tileRow, tileColumn } = blockPosition(layout, block);
    const { channel, rowPhase, columnPhase } = phaseChannel(layout, index);
    const rowSpan = encodedSpan(rows, tileRow, rowPhase);
    const columnSpan = encodedSpan(columns, tileColumn, columnPhase);
    const plane = (image * shape.input.channels + channel) * shape.input.height;
    for (let v = rowSpan.first; v <= rowSpan.last; v++) {
      const y = imagePosition(rows, tileRow, rowPhase, v);
      for (let h = columnSpan.first; h <= columnSpan.last; h++) {
        const x = imagePosition(columns, tileColumn, columnPhase, h);
        builder.put(
          slot * channelPitch + (v - rows.origin) * rowPitch + h - columns.origin,
          (plane + y) * shape.input.width + x,
        );
      }
    }
  }
  return builder.build();
}

/** Output cells of result ciphertext `row` of block group `group`. */
export function outputPlacement(
  shape: ConvShape,
  layout: ToeplitzLayout,
  group: number,
  row: number,
): Placement {
  const { packing, rows, columns } = layout;
  const { rowPitch, channelPitch, channelsPerCiphertext, blocksPerCiphertext, outputsPerProduct } = packing;
  const output = outputShape(shape);
  const builder = new PlacementBuilder();
  for (let slot = 0; slot < outputsPerProduct * blocksPerCiphertext; slot++) {
    const channel = row * outputsPerProduct + Math.floor(slot / blocksPerCiphertext);
    const block = group * blocksPerCiphertext + (slot % blocksPerCiphertext);
    if (channel >= output.channels || block >= layout.blocks) continue;
    const { image, tileRow, tileColumn } = blockPosition(layout, block);
    const base = (slot + 1) * channelsPerCiphertext * channelPitch - channelPitch;
    const firstRow = tileRow * rows.tileSize;
    const firstColumn = tileColumn * columns.tileSize;
    const plane = (image * output.channels + channel) * output.height;
    for (let i = 0; i < Math.min(rows.tileSize, output.height - firstRow); i++) {
      const line =
        base + (i * rows.step + rows.reach - rows.origin) * rowPitch + columns.reach - columns.origin;
      for (let j = 0; j < Math.min(columns.tileSize, output.width - firstColumn); j++) {
        builder.put(line + j * columns.step, (plane + firstRow + i) * output.width + firstColumn + j);
      }
    }
  }
  return builder.build();
}

/** The polynomial that turns input chunk `chunk` into its share of result row `row`, entries that are 0 modulo t left out. */
function weightPlaintext(
  spec: ConvSpec,
  centred: Int32Array,
  plainModulus: number,
  layout: ToeplitzLayout,
  row: number,
  chunk: number,
): RingPlaintext {
  const { packing, rows, columns } = layout;
  const { channelsPerCiphertext, channelPitch, rowPitch, blocksPerCiphertext, outputsPerProduct } = packing;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const entries: { exponent: number; value: number }[] = [];
  for (let slot = 0; slot < outputsPerProduct; slot++) {
    const output = row * outputsPerProduct + slot;
    if (output >= outChannels) break;
    const firstChannel = Math.floor((output * spec.group) / outChannels) * channelsPerGroup;
    for (let position = 0; position < channelsPerCiphertext; position++) {
      const index = chunk * channelsPerCiphertext + position;
      if (index >= layout.phaseChannels) break;
      const { channel, rowPhase, columnPhase } = phaseChannel(layout, index);
      const inGroup = channel - firstChannel;
      if (inGroup < 0 || inGroup >= channelsPerGroup) continue;
      const base =
        (slot * blocksPerCiphertext + 1) * channelsPerCiphertext * channelPitch -
        (position + 1) * channelPitch;
      for (const { tap: a, phase: aPhase, offset: y } of rows.taps) {
        if (aPhase !== rowPhase) continue;
        for (const { tap: e, phase: ePhase, offset: x } of columns.taps) {
          if (ePhase !== columnPhase) continue;
          const raw = centred[((output * channelsPerGroup + inGroup) * kernelHeight + a) * kernelWidth + e]!;
          const value = centredLift(raw, plainModulus);
          if (value === 0) continue;
          entries.push({ exponent: base + (rows.reach - y) * rowPitch + columns.reach - x, value });
        }
      }
    }
  }
  entries.sort((left, right) => left.exponent - right.exponent);
  return {
    exponents: Int32Array.from(entries, (entry) => entry.exponent),
    values: Int32Array.from(entries, (entry) => entry.value),
  };
}

/** What a program is made from: the parts of a plan that decide it. */
export interface ProgramSource {
  readonly spec: ConvSpec;
  readonly packing: ToeplitzPacking;
  readonly parameters: { readonly plainModulus: number };
}

/** The placements alone: all that a client, which holds no weights, needs. */
export function buildBlockGroups(shape: ConvShape, packing: ToeplitzPacking): BlockGroup[] {
  const layout = toeplitzLayout(shape, packing);
  return Array.from({ length: layout.blockGroups }, (_, group) => ({
    inputs: Array.from({ length: layout.chunks }, (__, chunk) => inputPlacement(shape, layout, group, chunk)),
    outputs: Array.from({ length: layout.resultRows }, (__, row) =>
      outputPlacement(shape, layout, group, row),
    ),
  }));
}

/** Expands a plan into its program. Pure: the same plan gives the same program. */
export function buildProgram(source: ProgramSource): Program {
  const { spec, packing } = source;
  const { plainModulus } = source.parameters;
  const layout = toeplitzLayout(spec, packing);
  const centred = centredWeights(spec.weights);
  const plaintexts: RingPlaintext[] = [];
  const rows: Term[][] = [];
  for (let row = 0; row < layout.resultRows; row++) {
    const terms: Term[] = [];
    for (const chunk of chunksOfRow(spec, layout, row)) {
      const plaintext = weightPlaintext(spec, centred, plainModulus, layout, row, chunk);
      if (plaintext.values.length === 0) continue;
      terms.push({ chunk, plaintext: plaintexts.length });
      plaintexts.push(plaintext);
    }
    rows.push(terms);
  }
  return {
    degree: packing.degree,
    plainModulus,
    plaintexts,
    rows,
    blockGroups: buildBlockGroups(spec, packing),
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

/** Largest L1 norm of all polynomials of one row, over the rows; what the noise grows by. */
export function largestRowL1(program: Program): number {
  const normOf = program.plaintexts.map(({ values }) =>
    values.reduce((sum, value) => sum + Math.abs(value), 0),
  );
  return program.rows.reduce(
    (largest, terms) =>
      Math.max(
        largest,
        terms.reduce((sum, term) => sum + normOf[term.plaintext]!, 0),
      ),
    0,
  );
}

/** Input chunks that at least one row reads; the others are never sent. Ascending. */
export function usedChunks(program: Program): number[] {
  return [...new Set(program.rows.flatMap((terms) => terms.map((term) => term.chunk)))].sort((a, b) => a - b);
}
