/** The positions that a pass of the kernel computes: first positions of tiles of a fixed width. */

/** Positions that one pass computes, by rows computed together. */
export const TILE_POSITIONS = { 1: 32, 4: 8 } as const;

/**
 * Disjoint tiles of `width` positions that cover all of `positions` (below `degree`), greedily from below. The last may
 * reach past the degree: results have room there.
 */
export function coverPositions(degree: number, positions: Iterable<Int32Array>, width: number): Uint32Array {
  const wanted = new Uint8Array(degree);
  for (const list of positions) for (const position of list) wanted[position] = 1;
  const tiles: number[] = [];
  for (let position = 0; position < degree; position++) {
    if (wanted[position] === 0) continue;
    tiles.push(position);
    position += width - 1;
  }
  return Uint32Array.from(tiles);
}

/** Tiles that cover every position. */
export function coverAll(degree: number, width: number): Uint32Array {
  return Uint32Array.from({ length: Math.ceil(degree / width) }, (_, tile) => tile * width);
}
