import { CipherconvError } from '../../compiler/base/errors.ts';
import { describeNode } from '../frontend/onnx/graph/attributes.ts';
import type { GraphValue } from '../frontend/imported/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { GraphNode } from '../frontend/onnx/types.ts';
import { quoted } from '../frontend/onnx/refusal.ts';
import { toFloat32 } from './rational.ts';
import type { Rational } from './rational.ts';

/** The two ways on for a network whose activations are no squares. */
export const TWO_WAYS =
  'compile it with --mode hybrid, where the client computes activations in the clear; or train a network with squares: cipherconv fit';

/** A node as messages name it. */
export interface NamedNode {
  readonly op: string;
  readonly name: string;
}

/** @throws CipherconvError `unsupported`, naming the node. */
export function refuseNode(file: string, { op, name }: NamedNode, message: string, hint: string): never {
  throw new CipherconvError({ code: 'unsupported', where: `${file}: ${op} ${quoted(name)}`, message, hint });
}

/** Types whose sums and products stand for exact ones: integers wrap and divide with truncation. */
export const FLOAT_TYPES: readonly string[] = ['float32', 'double'];

/**
 * The result of arithmetic or of a Cast.
 * @throws CipherconvError `unsupported` for one that is not of floats
 */
export function requireFloats({ file, values }: ImportedModel, node: GraphNode): void {
  const type = values.get(node.outputs[0] ?? '')?.type ?? 'an unknown type';
  if (FLOAT_TYPES.includes(type)) return;
  refuseNode(
    file,
    node,
    `not supported yet: ${node.op} to ${type}, which cuts, rounds or wraps`,
    'compute in float32 between DequantizeLinear and the output',
  );
}

/**
 * Scores are float32, whatever the integers behind them.
 * @throws CipherconvError `unsupported`
 */
export function requireFloatOutput(file: string, { name, type }: GraphValue): void {
  if (type === null || FLOAT_TYPES.includes(type)) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: `${file}: ${name}`,
    message: 'not supported yet: a network whose output is of integers',
    expected: FLOAT_TYPES.join(' or '),
    found: type,
    hint: 'end the model with DequantizeLinear',
  });
}

/** What plan files take. */
const MOST_DIGITS = 399;

/**
 * The scores are float32.
 * @throws CipherconvError `unsupported` for a scale that a float32 does not hold
 */
export function requireScale(file: string, output: string, scale: Rational): void {
  const digits = Math.max(...[scale.numerator, scale.denominator].map((side) => String(side).length));
  if (digits > MOST_DIGITS)
    throw new CipherconvError({
      code: 'unsupported',
      where: `${file}: ${output}`,
      message: 'not supported yet: scores whose exact scale has so many digits',
      expected: `at most ${MOST_DIGITS} above and below the line`,
      found: String(digits),
      hint: 'scales that are powers of two, or fewer squares',
    });
  const value = toFloat32(scale);
  if (Number.isFinite(value) && value !== 0) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: `${file}: ${output}`,
    message: 'the scale of the scores is out of reach of float32',
    expected: 'the product of all scales within 2^-149 and 2^127',
    found: value === 0 ? 'a smaller one' : 'a larger one',
    hint: 'check the scales of inputs and weights; squares square them',
  });
}

/** Activations that are no polynomials. */
const ACTIVATIONS = [
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Clip',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Softmax',
  'MaxPool',
  'Gelu',
  'Erf',
  'Elu',
  'Selu',
];

/** @throws CipherconvError `unsupported` for an operator that is neither linear nor a square */
export function refuseOperator(file: string, node: GraphNode): never {
  if (ACTIVATIONS.includes(node.op))
    refuseNode(
      file,
      node,
      `${node.op} is no polynomial: BFV computes linear layers and squares only`,
      TWO_WAYS,
    );
  if (node.op === 'QuantizeLinear' || node.op === 'Quant')
    refuseNode(file, node, 'rounding between layers is no polynomial', TWO_WAYS);
  if (node.op === 'BatchNormalization')
    refuseNode(
      file,
      node,
      'not supported yet: BatchNormalization, whose factors are floats',
      'fold it into the layer before and quantize that',
    );
  return refuseNode(
    file,
    node,
    `not supported yet: ${describeNode(node)} in a network of one round`,
    TWO_WAYS,
  );
}
