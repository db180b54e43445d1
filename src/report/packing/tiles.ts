import { encodedSpan, imagePosition, toeplitzLayout } from '../../../compiler/toeplitz/packing.ts';
import type { AxisLayout } from '../../../compiler/toeplitz/packing.ts';
import type { ToeplitzPlan } from '../../../compiler/toeplitz/plan.ts';

/** How a picture is cut into tiles: each makes its own outputs and reads a halo around them. */
export interface TilePicture {
  /** Tiles from top to bottom. */
  readonly rows: readonly AxisTile[];
  /** Tiles from left to right. */
  readonly columns: readonly AxisTile[];
  /** Tiles, of all images, that share a ciphertext. */
  readonly blocksPerCiphertext: number;
  /** Phase channels that share a ciphertext. */
  readonly channelsPerCiphertext: number;
  /** Output channels that one product makes. */
  readonly outputsPerProduct: number;
  /** Phases of space-to-depth: rows times columns; 1 for none. */
  readonly phases: number;
}

/** What a tile makes and reads along one axis, first and last inclusive. */
export interface AxisTile {
  /** Output rows or columns. */
  readonly outputs: readonly [first: number, last: number];
  /** Input rows or columns, those of the halo included. */
  readonly inputs: readonly [first: number, last: number];
}

export function tilesOf({ spec, packing, parameters }: ToeplitzPlan): TilePicture {
  const layout = toeplitzLayout(spec, packing, parameters.degree);
  return {
    rows: axisTiles(layout.rows),
    columns: axisTiles(layout.columns),
    blocksPerCiphertext: packing.blocksPerCiphertext,
    channelsPerCiphertext: packing.channelsPerCiphertext,
    outputsPerProduct: packing.outputsPerProduct,
    phases: packing.phaseFactors.rows * packing.phaseFactors.columns,
  };
}

function axisTiles(axis: AxisLayout): AxisTile[] {
  return Array.from({ length: axis.tileCount }, (_, tile) => {
    const first = tile * axis.tileSize;
    const spans = axis.phases
      .map((phase) => ({ phase, ...encodedSpan(axis, tile, phase) }))
      .filter((span) => span.first <= span.last);
    const ends = spans.flatMap((span) =>
      [span.first, span.last].map((coordinate) => imagePosition(axis, tile, span.phase, coordinate)),
    );
    return {
      outputs: [first, Math.min(first + axis.tileSize, axis.outputSize) - 1],
      inputs: ends.length === 0 ? [0, -1] : [Math.min(...ends), Math.max(...ends)],
    };
  });
}
