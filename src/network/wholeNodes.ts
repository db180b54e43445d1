import { intsAttribute } from '../frontend/onnx/graph/attributes.ts';
import type { GraphNode } from '../frontend/onnx/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { AffineTensor } from './affine.ts';
import type { Constants } from './constants.ts';
import { rationalOf, times } from './rational.ts';
import { refuseNode } from './refusal.ts';

/** Nodes that leave every element what it is: another shape, another order, one scale for all. */

/**
 * The same elements in the same order; the shape is the one that the importer found.
 * @throws CipherconvError `unsupported` for one without the batch in front
 */
export function reshaped(
  { file, values }: ImportedModel,
  node: GraphNode,
  tensor: AffineTensor,
): AffineTensor {
  const [batch, ...rest] = values.get(node.outputs[0] ?? '')?.shape ?? [];
  const count = rest.reduce((product, extent) => product * extent, 1);
  if (batch !== 1 || count !== tensor.rows.length)
    refuseNode(file, node, 'not supported yet: a shape without the batch in front', 'keep the batch first');
  return { ...tensor, shape: rest };
}

/** @throws CipherconvError `unsupported` for a Dropout that still trains */
export function requireInference({ file }: ImportedModel, constants: Constants, node: GraphNode): void {
  const [, , training = ''] = node.inputs;
  if ((constants.optionalNumber(node, training) ?? 0) !== 0)
    refuseNode(file, node, 'Dropout that still trains', 'export the model for inference');
}

/** (levels - zero point) times a scale. */
export function dequantized(constants: Constants, node: GraphNode, tensor: AffineTensor): AffineTensor {
  const [, scaleName = '', zeroName = ''] = node.inputs;
  const scale = constants.factor(node, scaleName);
  const zero = constants.optionalNumber(node, zeroName) ?? 0;
  const rows = tensor.rows.map((row) => ({ ...row, bias: row.bias - zero }));
  return { ...tensor, rows, scale: times(tensor.scale, rationalOf(scale)) };
}

/** The axes in another order; the batch stays in front. */
export function transposed(file: string, node: GraphNode, tensor: AffineTensor): AffineTensor {
  const rank = tensor.shape.length;
  const permutation = intsAttribute(node, 'perm') ?? [];
  const axes = permutation.slice(1).map((axis) => axis - 1);
  const isKnown = axes.every((axis) => axis >= 0 && axis < rank);
  if (permutation[0] !== 0 || axes.length !== rank || new Set(axes).size !== rank || !isKnown)
    refuseNode(file, node, 'not supported yet: such a transposition', 'keep the batch first');
  const shape = axes.map((axis) => tensor.shape[axis]!);
  const strides = tensor.shape.map((_, axis) =>
    tensor.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  );
  const rows = tensor.rows.map((_, element) => {
    let [rest, index] = [element, 0];
    for (let axis = rank - 1; axis >= 0; axis--) {
      index += (rest % shape[axis]!) * strides[axes[axis]!]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return tensor.rows[index]!;
  });
  return { ...tensor, shape, rows };
}
