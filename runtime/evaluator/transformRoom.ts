import { rowProductsBytes, rowProductsMemory } from '../ring/rowProducts.ts';
import type { RowProductsRoom, RowProductsShape } from '../ring/rowProducts.ts';
import type { EvaluatorOptions } from './types.ts';
import { weightAllowance } from './prepared.ts';
import { groupsPerBatch } from './weights.ts';
import type { Weights } from './weights.ts';

/** What one WebAssembly memory may hold: all that 32 bits address, but for a page. */
const MOST_BYTES = 2 ** 32 - 2 ** 16;

/** What an evaluation by transforms goes through. */
export interface TransformSizes {
  /** Polynomials of weights. */
  readonly polynomials: number;
  /** Inputs of a block group. */
  readonly inputs: number;
  readonly groups: number;
  /** What is prepared beside the memory of the products, bytes. */
  readonly otherBytes: number;
}

/** What of it is in memory at a time. */
export interface TransformRoom {
  readonly weights: Weights;
  /** Block groups that go through the matrix together. */
  readonly batch: number;
  readonly room: RowProductsRoom;
}

/** Weights stay where they may, beside one block group; otherwise as many block groups as may share a transformed weight. */
export function transformRoom(
  shape: RowProductsShape,
  { polynomials: count, inputs, groups, otherBytes }: TransformSizes,
  options: EvaluatorOptions,
): TransformRoom {
  const each = rowProductsBytes(shape);
  // c0 and c1 of every ciphertext.
  const roomFor = (batch: number, polynomials: number): RowProductsRoom => ({
    inputs: 2 * batch * inputs,
    polynomials,
    sums: 2 * batch,
  });
  const bytes = count * each.polynomials;
  const rest = rowProductsMemory(shape, roomFor(1, 0));
  const all = rowProductsMemory(shape, roomFor(1, count)) + otherBytes;
  const memoryBytes = Math.min(MOST_BYTES - rest, weightAllowance(options, all));
  const weights: Weights = { kind: bytes > memoryBytes ? 'on-the-fly' : 'resident', count, bytes };
  const batch = groupsPerBatch(weights, memoryBytes, 2 * (inputs * each.inputs + each.sums), groups);
  return { weights, batch, room: roomFor(batch, weights.kind === 'resident' ? count : 1) };
}
