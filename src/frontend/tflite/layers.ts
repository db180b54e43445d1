import { CipherconvError, internalError } from '../../../compiler/base/errors.ts';
import { linearMultipliers } from '../../interpreter/fixedPoint/linearParts.ts';
import { accumulatorOf } from '../../interpreter/fixedPoint/check.ts';
import type {
  FixedPointNode,
  FixedPointOperation,
  FixedPointTensor,
  LinearOperator,
} from '../../interpreter/fixedPoint/node.ts';
import type { DenseTensor } from '../../interpreter/values.ts';
import type { ImportedLayer } from '../imported/types.ts';
import { convolutionShape, denseShape } from './layerShapes.ts';
import type { LayerShape } from './layerShapes.ts';
import { convolutionOf } from './layerSpec.ts';

/**
 * Linear operators as convolutions. Pictures are [batch, height, width, channels] in the file; a layer's `permutation`
 * turns them into the convolution's, and its accumulators back. What the accumulators become stays with the client, as a
 * node of its own, REQUANTIZE.
 *
 * A channel whose multiplier is 0 has the same output whatever its accumulator is. Its weights and bias are taken for 0:
 * it would widen the plaintext modulus for nothing.
 */

/** Why a linear operator is computed in the clear. */
export class NotEncrypted extends Error {}

/** What the file says of tensors. */
export interface Tensors {
  readonly tensors: ReadonlyMap<string, FixedPointTensor>;
  readonly constants: ReadonlyMap<string, DenseTensor>;
}

/** A linear operator, cut in two. */
export interface MadeLayer {
  readonly layer: ImportedLayer;
  /** What the client computes of the operator. */
  readonly client: FixedPointNode;
  readonly accumulator: FixedPointTensor;
}

type LinearOperation = Extract<FixedPointOperation, { op: LinearOperator }>;

/** A node that may become a layer. */
export interface LinearNode extends FixedPointNode {
  readonly operation: LinearOperation;
}

export function isLinear(node: FixedPointNode): node is LinearNode {
  const { op } = node.operation;
  return (
    op === 'CONV_2D' || op === 'DEPTHWISE_CONV_2D' || op === 'FULLY_CONNECTED' || op === 'TRANSPOSE_CONV'
  );
}

/** Names of the operands of a linear operator. */
interface Operands {
  readonly input: string;
  readonly filter: string;
  /** "" for none. */
  readonly bias: string;
}

function operandsOf({ operation, inputs }: LinearNode): Operands {
  // TRANSPOSE_CONV begins with the shape of its output, and the filter comes before the input.
  const [input = '', filter = '', bias = ''] =
    operation.op === 'TRANSPOSE_CONV' ? [inputs[2], inputs[1], inputs[3]] : inputs;
  return { input, filter, bias };
}

/** @throws NotEncrypted for weights that are computed, and sums that encryption does not reach. */
export function layerOf(node: LinearNode, known: Tensors): MadeLayer {
  const { op } = node.operation;
  const operands = operandsOf(node);
  const { filter, bias } = constantOperands(operands, known);
  const tensorOf = (name: string | undefined): FixedPointTensor => requireTensor(name ?? '', known);
  const [input, weights, output] = [
    tensorOf(operands.input),
    tensorOf(operands.filter),
    tensorOf(node.outputs[0]),
  ];
  const shape = shapeOf(node.operation, input, weights, output);
  const outputs = shape.filter.outputs;
  const scales = {
    inputScale: input.scales[0] ?? 1,
    filterScales: weights.scales,
    outputScale: output.scales[0] ?? 1,
  };
  const multipliers = linearMultipliers(op, scales, outputs);
  const type = accumulatorOf(node, op, known.tensors);
  const convolution = encrypted(() =>
    convolutionOf(node.name, shape, {
      input,
      filter: filter.data,
      bias: bias?.data ?? null,
      isLive: (channel) => multipliers[channel]?.multiplier !== 0,
      accumulator: type === 'int64' ? null : { bits: 32, signed: true },
    }),
  );
  const accumulators = freshName(`accumulators of ${node.name}`, known.tensors);
  const isDense = shape.kind === 'dense';
  const layer: ImportedLayer = {
    name: node.name,
    op,
    ...convolution,
    input: {
      tensor: operands.input,
      type: input.type,
      shape: input.shape,
      permutation: isDense ? null : [0, 3, 1, 2],
      kind: 'integer',
      scale: input.scales[0] ?? null,
    },
    weightScales: Array.from(
      { length: outputs },
      (_, channel) => weights.scales[channel] ?? weights.scales[0] ?? 1,
    ),
    output: {
      kind: 'accumulator',
      tensor: accumulators,
      type,
      shape: output.shape,
      permutation: isDense ? null : [0, 2, 3, 1],
    },
  };
  return {
    layer,
    client: clientNode(node, operands, accumulators, type === 'int64'),
    accumulator: { type, shape: output.shape, scales: [], zeroPoints: [], axis: 0 },
  };
}

function requireTensor(name: string, { tensors }: Tensors): FixedPointTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw internalError(`the tensor ${name} was not checked`);
  return tensor;
}

function constantOperands(
  { input, filter, bias }: Operands,
  { constants }: Tensors,
): { readonly filter: DenseTensor; readonly bias: DenseTensor | null } {
  const values = constants.get(filter);
  if (values === undefined) throw new NotEncrypted('its weights are computed at run time');
  if (constants.has(input)) throw new NotEncrypted('its input is constant');
  if (bias === '') return { filter: values, bias: null };
  const biases = constants.get(bias);
  if (biases === undefined) throw new NotEncrypted('its bias is computed at run time');
  return { filter: values, bias: biases };
}

function shapeOf(
  operation: LinearOperation,
  input: FixedPointTensor,
  filter: FixedPointTensor,
  output: FixedPointTensor,
): LayerShape {
  return operation.op === 'FULLY_CONNECTED'
    ? denseShape(input.shape, filter.shape)
    : convolutionShape(operation, input.shape, filter.shape, output.shape);
}

/** What the compiler refuses of a convolution as such is a reason to leave it to the client. */
function encrypted<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { message, expected, found } = error.details;
    throw new NotEncrypted(`${message}, expected ${expected ?? 'otherwise'}, found ${found ?? 'this'}`);
  }
}

function freshName(name: string, tensors: ReadonlyMap<string, unknown>): string {
  return tensors.has(name) ? freshName(`${name}'`, tensors) : name;
}

function clientNode(
  { operation: { op, activation }, name, outputs }: LinearNode,
  { input, filter, bias }: Operands,
  accumulators: string,
  wide: boolean,
): FixedPointNode {
  return {
    name,
    operation: { op: 'REQUANTIZE', of: op, activation, wide },
    inputs: [accumulators, input, filter, bias],
    outputs,
  };
}
