import { blockPosition, encodedSpan, imagePosition, phaseChannel } from './packing.ts';
import type { ToeplitzLayout } from './packing.ts';
import { outputShape } from '../convolution/spec.ts';
import type { ConvShape } from '../convolution/spec.ts';

/** The packing written out: which element sits at which coefficient of which ciphertext, and which tap reads it. */

/** Which tensor element sits at which coefficient: `elements[i]` (flat NCHW) at `coefficients[i]`. */
export interface Placement {
  readonly coefficients: Int32Array;
  readonly elements: Int32Array;
}

/** The elements of an input ciphertext, and the coefficients of its c0 that some output reads, ascending. */
export interface InputPlacement extends Placement {
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
function outputPlacement(shape: ConvShape, layout: ToeplitzLayout, group: number, row: number): Placement {
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

/** Where one tap of one channel of a chunk puts its weight for the outputs of one slot. */
export interface ChunkTap {
  /** Output channel within a product. */
  readonly slot: number;
  /** Input channel. */
  readonly channel: number;
  /** Kernel row and column. */
  readonly a: number;
  readonly e: number;
  readonly exponent: number;
}

/** Exponents of all taps of input chunk `chunk`, ascending: those of every output, whatever the weights. */
export function chunkTaps(layout: ToeplitzLayout, chunk: number): ChunkTap[] {
  const { packing, rows, columns } = layout;
  const { channelsPerCiphertext, channelPitch, rowPitch, blocksPerCiphertext, outputsPerProduct } = packing;
  const taps: ChunkTap[] = [];
  for (let slot = 0; slot < outputsPerProduct; slot++) {
    for (let position = 0; position < channelsPerCiphertext; position++) {
      const index = chunk * channelsPerCiphertext + position;
      if (index >= layout.phaseChannels) break;
      const { channel, rowPhase, columnPhase } = phaseChannel(layout, index);
      const base =
        (slot * blocksPerCiphertext + 1) * channelsPerCiphertext * channelPitch -
        (position + 1) * channelPitch;
      for (const { tap: a, phase: aPhase, offset: y } of rows.taps) {
        if (aPhase !== rowPhase) continue;
        for (const { tap: e, phase: ePhase, offset: x } of columns.taps) {
          if (ePhase !== columnPhase) continue;
          taps.push({
            slot,
            channel,
            a,
            e,
            exponent: base + (rows.reach - y) * rowPitch + columns.reach - x,
          });
        }
      }
    }
  }
  return taps.sort((left, right) => left.exponent - right.exponent);
}

/**
 * Coefficients of an input ciphertext that some output of the block group reads through some tap, ascending. The others
 * need not travel: what stands there reaches only coefficients that nobody reads.
 */
function readCoefficients(
  degree: number,
  outputs: readonly Placement[],
  taps: readonly ChunkTap[],
): Int32Array {
  const isRead = new Uint8Array(degree);
  // The first row has the most outputs, at the coefficients of every row.
  const coefficients = outputs[0]?.coefficients ?? new Int32Array(0);
  for (const { exponent } of taps) {
    for (const coefficient of coefficients) {
      const source = coefficient - exponent;
      isRead[source < 0 ? source + degree : source] = 1;
    }
  }
  const read: number[] = [];
  isRead.forEach((flag, index) => {
    if (flag === 1) read.push(index);
  });
  return Int32Array.from(read);
}

/** The placements alone: all that a client, which holds no weights, needs. */
export function buildBlockGroups(shape: ConvShape, layout: ToeplitzLayout): BlockGroup[] {
  const taps = Array.from({ length: layout.chunks }, (_, chunk) => chunkTaps(layout, chunk));
  return Array.from({ length: layout.blockGroups }, (_, group) => {
    const outputs = Array.from({ length: layout.resultRows }, (__, row) =>
      outputPlacement(shape, layout, group, row),
    );
    const inputs = taps.map((chunk, index) => ({
      ...inputPlacement(shape, layout, group, index),
      read: readCoefficients(layout.degree, outputs, chunk),
    }));
    return { inputs, outputs };
  });
}
