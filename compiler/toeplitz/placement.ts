import { blockPosition, encodedSpan, imagePosition, phaseChannel } from './packing.ts';
import type { ToeplitzLayout } from './packing.ts';
import { outputShape } from '../convolution/shape.ts';
import type { ConvShape } from '../convolution/shape.ts';

/** The packing written out: which element sits at which coefficient of which ciphertext, and which tap reads it. */

/** Which tensor element sits at which coefficient: `elements[i]` (flat NCHW) at `coefficients[i]`. */
export interface Placement {
  readonly coefficients: Int32Array;
  readonly elements: Int32Array;
}

/** The elements of an input ciphertext, and the coefficients of its c0 that some output reads, ascending. */
interface InputPlacement extends Placement {
  readonly read: Int32Array;
}

export interface BlockGroup {
  readonly inputs: readonly InputPlacement[];
  readonly outputs: readonly Placement[];
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
function inputPlacement(shape: ConvShape, layout: ToeplitzLayout, group: number, chunk: number): Placement {
  const { packing, rows, columns } = layout;
  const { rowPitch, channelPitch, channelsPerCiphertext, blocksPerCiphertext } = packing;
  const builder = new PlacementBuilder();
  for (let place = 0; place < blocksPerCiphertext * channelsPerCiphertext; place++) {
    const block = group * blocksPerCiphertext + Math.floor(place / channelsPerCiphertext);
    const index = chunk * channelsPerCiphertext + (place % channelsPerCiphertext);
    if (block >= layout.blocks || index >= layout.phaseChannels) continue;
    const { image, tileRow, tileColumn } = blockPosition(layout, block);
    const { channel, rowPhase, columnPhase } = phaseChannel(layout, index);
    const rowSpan = encodedSpan(rows, tileRow, rowPhase);
    const columnSpan = encodedSpan(columns, tileColumn, columnPhase);
    const firstLine = (image * shape.input.channels + channel) * shape.input.height;
    for (let v = rowSpan.first; v <= rowSpan.last; v++) {
      const y = imagePosition(rows, tileRow, rowPhase, v);
      for (let h = columnSpan.first; h <= columnSpan.last; h++) {
        const x = imagePosition(columns, tileColumn, columnPhase, h);
        builder.put(
          place * channelPitch + (v - rows.origin) * rowPitch + h - columns.origin,
          (firstLine + y) * shape.input.width + x,
        );
      }
    }
  }
  return builder.build();
}

/** Output cells of result ciphertext `row` of block group `group`. */
function outputPlacement(shape: ConvShape, layout: ToeplitzLayout, group: number, row: number): Placement {
  const { packing, rows, columns } = layout;
  const { rowPitch, channelPitch, channelsPerCiphertext, blocksPerCiphertext, outputsPerProduct } = packing;
  const output = outputShape(shape);
  const builder = new PlacementBuilder();
  for (let place = 0; place < outputsPerProduct * blocksPerCiphertext; place++) {
    const channel = row * outputsPerProduct + Math.floor(place / blocksPerCiphertext);
    const block = group * blocksPerCiphertext + (place % blocksPerCiphertext);
    if (channel >= output.channels || block >= layout.blocks) continue;
    const { image, tileRow, tileColumn } = blockPosition(layout, block);
    const base = (place + 1) * channelsPerCiphertext * channelPitch - channelPitch;
    const firstRow = tileRow * rows.tileSize;
    const firstColumn = tileColumn * columns.tileSize;
    const firstLine = (image * output.channels + channel) * output.height;
    for (let i = 0; i < Math.min(rows.tileSize, output.height - firstRow); i++) {
      const line =
        base + (i * rows.step + rows.reach - rows.origin) * rowPitch + columns.reach - columns.origin;
      for (let j = 0; j < Math.min(columns.tileSize, output.width - firstColumn); j++) {
        builder.put(line + j * columns.step, (firstLine + firstRow + i) * output.width + firstColumn + j);
      }
    }
  }
  return builder.build();
}

/** One tap of the kernel on one input channel of a chunk, for the outputs at one place of every product. */
export interface ChunkTap {
  /** Which of the `outputsPerProduct` output channels of a product the weight acts for. */
  readonly outputInProduct: number;
  /** Input channel, counted over all groups. */
  readonly channel: number;
  /** Row of the kernel. */
  readonly kernelRow: number;
  /** Column of the kernel. */
  readonly kernelColumn: number;
  /** Exponent of X that the weight stands at in the ring plaintext. */
  readonly exponent: number;
}

/** Exponents of all taps of input chunk `chunk`, ascending: those of every output, whatever the weights. */
export function chunkTaps(layout: ToeplitzLayout, chunk: number): ChunkTap[] {
  const { channelsPerCiphertext, channelPitch, blocksPerCiphertext, outputsPerProduct } = layout.packing;
  const firstIndex = chunk * channelsPerCiphertext;
  const channels = Math.min(channelsPerCiphertext, layout.phaseChannels - firstIndex);
  const taps: ChunkTap[] = [];
  for (let outputInProduct = 0; outputInProduct < outputsPerProduct; outputInProduct++) {
    const firstPitch = (outputInProduct * blocksPerCiphertext + 1) * channelsPerCiphertext - 1;
    for (let position = 0; position < channels; position++) {
      // Channels stand in ascending order in the input; the weights stand in descending order, as in a convolution.
      const base = (firstPitch - position) * channelPitch;
      for (const { exponent, ...tap } of tapsOfChannel(layout, firstIndex + position))
        taps.push({ outputInProduct, ...tap, exponent: base + exponent });
    }
  }
  return taps.sort((left, right) => left.exponent - right.exponent);
}

/** The taps that read phase channel number `index`, with exponents counted from the channel's own start. */
function tapsOfChannel(layout: ToeplitzLayout, index: number): Omit<ChunkTap, 'outputInProduct'>[] {
  const { packing, rows, columns } = layout;
  const { channel, rowPhase, columnPhase } = phaseChannel(layout, index);
  const columnTaps = columns.taps.filter(({ phase }) => phase === columnPhase);
  return rows.taps
    .filter(({ phase }) => phase === rowPhase)
    .flatMap((row) =>
      columnTaps.map((column) => ({
        channel,
        kernelRow: row.tap,
        kernelColumn: column.tap,
        exponent: (rows.reach - row.offset) * packing.rowPitch + columns.reach - column.offset,
      })),
    );
}

/**
 * Coefficients of an input ciphertext that some output of the block group reads through some tap, ascending. The others
 * need not travel: what stands there reaches no coefficient that is read.
 */
function readCoefficients(degree: number, outputs: readonly Placement[], exponents: Int32Array): Int32Array {
  const isRead = new Uint8Array(degree);
  // The first row has the most outputs, at the coefficients of every row.
  const coefficients = outputs[0]?.coefficients ?? new Int32Array(0);
  for (const exponent of exponents) {
    for (const coefficient of coefficients) {
      const source = coefficient - exponent;
      isRead[source < 0 ? source + degree : source] = 1;
    }
  }
  const read = new Int32Array(degree);
  let count = 0;
  for (let index = 0; index < degree; index++) if (isRead[index] === 1) read[count++] = index;
  return read.slice(0, count);
}

/** Exponents of the taps of every chunk, each once, ascending. Chunks of as many channels have the same list, one object. */
function exponentsOfChunks(layout: ToeplitzLayout): Int32Array[] {
  const lists: Int32Array[] = [];
  for (let chunk = 0; chunk < layout.chunks; chunk++) {
    const list = Int32Array.from(new Set(chunkTaps(layout, chunk).map(({ exponent }) => exponent))).sort();
    const before = lists.at(-1);
    const isSame = before?.length === list.length && before.every((exponent, at) => exponent === list[at]);
    lists.push(isSame ? before : list);
  }
  return lists;
}

/** The placements alone: all that a client, which holds no weights, needs. */
export function buildBlockGroups(shape: ConvShape, layout: ToeplitzLayout): BlockGroup[] {
  const exponents = exponentsOfChunks(layout);
  return Array.from({ length: layout.blockGroups }, (_, group) => {
    const outputs = Array.from({ length: layout.resultRows }, (__, row) =>
      outputPlacement(shape, layout, group, row),
    );
    const reads = new Map<Int32Array, Int32Array>();
    const readBy = (list: Int32Array): Int32Array => {
      const read = reads.get(list) ?? readCoefficients(layout.degree, outputs, list);
      reads.set(list, read);
      return read;
    };
    const inputs = exponents.map((list, index) => ({
      ...inputPlacement(shape, layout, group, index),
      read: readBy(list),
    }));
    return { inputs, outputs };
  });
}
