import type { GraphNode } from '../frontend/onnx/types.ts';
import { sumOf } from './affine.ts';
import type { AffineTensor } from './affine.ts';
import type { IntegerConstant } from './constants.ts';
import { addedIntegers } from './linearNodes.ts';
import { over, times } from './rational.ts';
import { refuseNode } from './refusal.ts';

/** Sums with constants and other tensors, products with constants. */

/**
 * Index into a constant that is broadcast over a tensor.
 * @param shape of the tensor, without its batch
 */
function broadcastIndex(
  file: string,
  node: GraphNode,
  constant: readonly number[],
  shape: readonly number[],
): (element: number) => number {
  const whole = [1, ...shape];
  const padded = [...new Array<number>(Math.max(0, whole.length - constant.length)).fill(1), ...constant];
  const fits =
    padded.length === whole.length && padded.every((extent, axis) => extent === 1 || extent === whole[axis]);
  if (!fits)
    refuseNode(file, node, 'not supported yet: such a broadcast', 'a constant of the shape of the tensor');
  return (element) => {
    let [rest, index, stride] = [element, 0, 1];
    for (let axis = whole.length - 1; axis >= 0; axis--) {
      const position = rest % whole[axis]!;
      rest = Math.floor(rest / whole[axis]!);
      if (padded[axis] !== 1) index += position * stride;
      stride *= padded[axis]!;
    }
    return index;
  };
}

/** The tensor, or what it is negated. */
export function signed(tensor: AffineTensor, sign: 1 | -1): AffineTensor {
  if (sign === 1) return tensor;
  return { ...tensor, rows: tensor.rows.map((row) => sumOf([{ row, factor: sign }], 0)) };
}

/** @param sign -1 to take the constant away */
export function plusConstant(
  file: string,
  node: GraphNode,
  tensor: AffineTensor,
  constant: IntegerConstant,
  sign: 1 | -1,
): AffineTensor {
  const added = addedIntegers(file, node, constant, tensor.scale);
  const indexOf = broadcastIndex(file, node, constant.shape, tensor.shape);
  const rows = tensor.rows.map((row, element) =>
    sumOf([{ row, factor: 1 }], sign * added[indexOf(element)]!),
  );
  return { ...tensor, rows };
}

export function timesConstant(
  file: string,
  node: GraphNode,
  tensor: AffineTensor,
  constant: IntegerConstant,
): AffineTensor {
  const scale = times(tensor.scale, constant.scale);
  const indexOf = broadcastIndex(file, node, constant.shape, tensor.shape);
  const rows = tensor.rows.map((row, element) =>
    sumOf([{ row, factor: constant.values[indexOf(element)]! }], 0),
  );
  return { ...tensor, rows, scale };
}

/** The sum of two tensors whose scales are whole multiples of each other. */
export function plusTensor(
  file: string,
  node: GraphNode,
  left: AffineTensor,
  right: AffineTensor,
  sign: 1 | -1,
): AffineTensor {
  if (left.depth !== right.depth || left.shape.join() !== right.shape.join())
    refuseNode(
      file,
      node,
      'not supported yet: a sum of tensors behind different squares, or of different shapes',
      'networks are chains of linear layers and squares',
    );
  const ratio = over(right.scale, left.scale);
  if (ratio.denominator !== 1n) {
    if (ratio.numerator !== 1n)
      refuseNode(file, node, 'not supported yet: a sum of such scales', 'use one scale for both');
    const factor = Number(ratio.denominator);
    const rows = left.rows.map((row, element) =>
      sumOf(
        [
          { row, factor },
          { row: right.rows[element]!, factor: sign },
        ],
        0,
      ),
    );
    return { ...right, rows };
  }
  const factor = sign * Number(ratio.numerator);
  const rows = left.rows.map((row, element) =>
    sumOf(
      [
        { row, factor: 1 },
        { row: right.rows[element]!, factor },
      ],
      0,
    ),
  );
  return { ...left, rows };
}
